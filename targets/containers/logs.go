package containers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// wordsShown is how many of the last lines of a container a message quotes.
const wordsShown = 15

// lastWords are the last lines a container wrote, indented, for a message.
func (c *Cluster) lastWords(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	var text bytes.Buffer
	if err := c.copyLog(ctx, &text, id, fmt.Sprint(wordsShown)); err != nil {
		return "  (its log cannot be read: " + err.Error() + ")"
	}
	lines := strings.TrimSpace(printable(text.String()))
	if lines == "" {
		return "  (it wrote nothing)"
	}
	return "  | " + strings.ReplaceAll(lines, "\n", "\n  | ")
}

// printable keeps escape sequences of a log out of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// words are the last words of each process of a node.
func (n *Node) words(ctx context.Context) string {
	var all []string
	for _, p := range n.containers() {
		all = append(all, fmt.Sprintf("  the last words of %s:\n%s", p.name, n.cluster.lastWords(ctx, p.id)))
	}
	return strings.Join(all, "\n")
}

// copyLog writes what a container wrote; tail is a number of lines, or "all".
func (c *Cluster) copyLog(ctx context.Context, to io.Writer, id, tail string) error {
	log, err := c.room.docker.ContainerLogs(ctx, id, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: tail,
	})
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	_, err = stdcopy.StdCopy(to, to, log)
	return err
}

// saveLimit is how long keeping the logs of one node may take.
const saveLimit = 10 * time.Second

// saveLogs keeps what the containers of a node wrote with the run, a file for each process. What was saved before, of
// containers that are gone, stays in front. A log that cannot be kept is not worth losing a run for.
func (c *Cluster) saveLogs(ctx context.Context, n *Node) {
	if c.nodeDir == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, saveLimit)
	defer cancel()
	folder, err := c.nodeDir(n.name)
	if err != nil {
		c.log.Warn("keep the logs", "node", n.name, "error", err)
		return
	}
	logs := n.containers()
	if n.sandbox != "" {
		logs = append(logs, process{roleSandbox, n.sandbox})
	}
	for _, p := range logs {
		if err := c.saveLog(ctx, filepath.Join(folder, p.name+".log"), p.id); err != nil {
			c.log.Warn("keep the log", "node", n.name, "process", p.name, "error", err)
		}
	}
}

func (c *Cluster) saveLog(ctx context.Context, path, id string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	err = c.copyLog(ctx, file, id, "all")
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// Logs returns what the processes of a node wrote since its containers were made, one process after the other.
func (c *Cluster) Logs(ctx context.Context, node string) (io.ReadCloser, error) {
	n := c.Node(node)
	if n == nil {
		return nil, fmt.Errorf("logs of %s: there is no such node", node)
	}
	var text bytes.Buffer
	for _, p := range n.containers() {
		if err := c.copyLog(ctx, &text, p.id, "all"); err != nil {
			return nil, fmt.Errorf("logs of %s of %s: %w", p.name, node, err)
		}
	}
	return io.NopCloser(&text), nil
}
