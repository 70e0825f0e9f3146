package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
)

// maxLog is how much of a node's log, from its end, is shown from, in bytes.
const maxLog = 4 << 20

// Gather makes an Input of a run's results: with the record they were judged from, which is read from the run's folder
// where the results do not hold it, and with the nodes' logs. Results of a file that is no run have no folder.
func Gather(res harness.Results) (Input, error) {
	in := Input{Results: res, Folder: res.Dir, Logs: map[string][]byte{}}
	recorded := res.Recorded
	folder := store.Folder{Dir: res.Dir}
	if recorded == nil && res.Dir != "" {
		rec, err := harness.Open(folder)
		if err != nil {
			return in, err
		}
		recorded = &rec
	}
	if recorded == nil {
		return in, nil
	}
	in.Info, in.History = recorded.Info, recorded.History
	if res.Dir == "" {
		return in, nil
	}
	for _, node := range in.Info.Nodes {
		files, err := filepath.Glob(folder.Path(store.NodesDir, node, "*.log"))
		if err != nil {
			return in, fmt.Errorf("logs of %s: %w", node, err)
		}
		for _, file := range files {
			in.Logs[node] = append(in.Logs[node], tail(file)...)
		}
	}
	return in, nil
}

// tail returns the end of a log, where the trouble is; nothing where it cannot be read, for a report can do without.
func tail(path string) []byte {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > maxLog {
		if _, err := file.Seek(-maxLog, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, _ := io.ReadAll(io.LimitReader(file, maxLog))
	return text
}
