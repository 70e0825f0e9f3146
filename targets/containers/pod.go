package containers

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	dockernet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/capsize-dev/capsize/targets/containers/agent"
)

// The inside of a sandbox.
const (
	agentPort  = 7070
	dataFolder = "/data" // of the agent, where the disk is limited
)

// Program is where the sandbox's image has this program.
const Program = "/capsize"

// patientTCP keeps what TCP's back-off adds to a recovery below a second, where the kernel can: without it an established
// connection needs up to as long again as the outage was. A connection is given up after a number of tries, which would
// now come within 15 s; with as many as there can be it lives through four minutes.
var patientTCP = map[string]string{"net.ipv4.tcp_rto_max_ms": "1000", "net.ipv4.tcp_retries2": "255"}

// logLimit bounds the log of a container; the newest part is kept.
const logLimit = "64m"

// makeLimit is how long the engine may take to make one thing.
const makeLimit = 30 * time.Second

// making returns the context in which one thing is made. It is not cut short when ctx ends: the engine would go on making
// it, and finish after everything had been removed.
func making(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	steady, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeLimit)
	return steady, cancel, nil
}

// makeSandbox creates and starts the sandbox of a node: the container that holds its address, name and published ports.
func (c *Cluster) makeSandbox(ctx context.Context, n *Node) error {
	published := dockernet.PortMap{}
	exposed := []string{}
	for _, port := range append([]int{agentPort}, c.spec.Ports...) {
		at, _ := dockernet.PortFrom(uint16(port), dockernet.TCP)
		published[at] = []dockernet.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
		exposed = append(exposed, at.String())
	}
	request := testcontainers.ContainerRequest{
		Name: c.id + "-" + n.name, Image: c.sandboxImage, ExposedPorts: exposed,
		Entrypoint: []string{Program},
		Cmd: []string{"node", agent.Service, "-node", n.name,
			"-listen", "0.0.0.0:" + strconv.Itoa(agentPort)},
		Env:            map[string]string{agent.TokenVariable: c.token},
		Labels:         labels(c.id, c.run, labelNode, n.name, labelRole, roleSandbox),
		Networks:       []string{c.id},
		NetworkAliases: map[string][]string{c.id: {n.name}},
		ConfigModifier: func(config *container.Config) { config.Hostname = n.name },
		HostConfigModifier: func(host *container.HostConfig) {
			host.PortBindings = published
			host.CapDrop, host.CapAdd = []string{"ALL"}, []string{"NET_ADMIN"}
			host.SecurityOpt = []string{"no-new-privileges"}
			host.ReadonlyRootfs = true
			host.LogConfig = boundedLog()
			if c.slowBackoff {
				host.Sysctls = maps.Clone(patientTCP)
			}
			if c.diskLimit > 0 {
				host.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: n.volume(), Target: dataFolder}}
			}
		},
	}
	ctx, cancel, err := making(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	made, err := c.room.provider.RunContainer(ctx, request)
	if made != nil && made.GetContainerID() != "" {
		n.sandbox = made.GetContainerID()
	}
	return err
}

// boundedLog keeps a chatty server from filling the engine's disk.
func boundedLog() container.LogConfig {
	return container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": logLimit, "max-file": "1"}}
}

// locate reads the address of a sandbox and where its ports are published.
func (c *Cluster) locate(ctx context.Context, n *Node) error {
	seen, err := c.room.docker.ContainerInspect(ctx, n.sandbox, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if at := seen.Container.NetworkSettings.Networks[c.id]; at != nil {
		n.address = at.IPAddress
	}
	if !n.address.IsValid() {
		return fmt.Errorf("the sandbox of %s has no address in the network %s", n.name, c.id)
	}
	n.published = map[int]string{}
	for port, bindings := range seen.Container.NetworkSettings.Ports {
		for _, b := range bindings {
			n.published[int(port.Num())] = "127.0.0.1:" + b.HostPort
		}
	}
	for _, port := range append([]int{agentPort}, c.spec.Ports...) {
		if n.published[port] == "" {
			return fmt.Errorf("port %d of %s was not published on 127.0.0.1", port, n.name)
		}
	}
	return nil
}

// makeVolume makes the disk of a node. A limited one is in memory: there is no other way to limit a volume everywhere.
func (c *Cluster) makeVolume(ctx context.Context, n *Node) error {
	options := client.VolumeCreateOptions{Name: n.volume(), Labels: labels(c.id, c.run, labelNode, n.name)}
	if c.diskLimit > 0 {
		options.DriverOpts = map[string]string{
			"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%d,mode=1777", c.diskLimit),
		}
	}
	ctx, cancel, err := making(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	_, err = c.room.docker.VolumeCreate(ctx, options)
	return err
}

// makeProcesses creates the containers of a node's processes in the network namespace of its sandbox, and starts none.
func (c *Cluster) makeProcesses(ctx context.Context, n *Node, joining bool) error {
	member := Member{Name: n.name, Names: c.names(), Cluster: c.id, Joining: joining}
	for _, p := range c.spec.Processes(member) {
		made, err := c.makeProcess(ctx, n, p)
		if made != "" {
			n.setProcess(p.Name, made)
		}
		if err != nil {
			return fmt.Errorf("create %s of %s: %w", p.Name, n.name, err)
		}
	}
	return nil
}

func (c *Cluster) makeProcess(ctx context.Context, n *Node, p Process) (id string, err error) {
	image := c.images[p.Image]
	request := testcontainers.ContainerRequest{
		Name: c.id + "-" + n.name + "-" + p.Name, Image: image.Ref, Env: p.Env,
		Labels: labels(c.id, c.run, labelNode, n.name, labelRole, p.Name),
		Files:  files(p.Files),
		ConfigModifier: func(config *container.Config) {
			config.User = p.User
			config.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
		},
		HostConfigModifier: func(host *container.HostConfig) {
			host.NetworkMode = container.NetworkMode("container:" + n.sandbox)
			host.LogConfig = boundedLog()
			host.Memory = c.memory()
			host.MemorySwap = host.Memory
			host.NanoCPUs = int64(c.room.engine.CPUs) * 1e9
			if c.spec.Data != "" {
				host.Mounts = []mount.Mount{{
					Type: mount.TypeVolume, Source: n.volume(), Target: c.spec.Data,
					// the engine would give it the owner and the mode of the image's folder, and the agent, which fills
					// it, could not write there
					VolumeOptions: &mount.VolumeOptions{NoCopy: c.diskLimit > 0},
				}}
			}
		},
	}
	if len(p.Command) > 0 {
		request.Entrypoint, request.Cmd = p.Command[:1], p.Command[1:]
	}
	ctx, cancel, err := making(ctx)
	if err != nil {
		return "", err
	}
	defer cancel()
	made, err := c.room.provider.CreateContainer(ctx, request)
	if made != nil {
		id = made.GetContainerID()
	}
	return id, err
}

// memory is what each process of a node may use. There is always a limit, because one that was never set cannot be
// lifted again after it was lowered.
func (c *Cluster) memory() int64 {
	if c.spec.Memory > 0 {
		return c.spec.Memory
	}
	return c.room.engine.Memory
}

func files(byPath map[string]string) []testcontainers.ContainerFile {
	var all []testcontainers.ContainerFile
	for path, text := range byPath {
		all = append(all, testcontainers.ContainerFile{
			Reader: strings.NewReader(text), ContainerFilePath: path, FileMode: 0o666,
		})
	}
	slices.SortFunc(all, func(a, b testcontainers.ContainerFile) int {
		return strings.Compare(a.ContainerFilePath, b.ContainerFilePath)
	})
	return all
}

// eraseLimit is how long emptying a disk may take.
const eraseLimit = 20 * time.Second

// erase empties the disk of a node with a container that lives for that long. The sandbox cannot do it: it has no
// privilege over files that belong to others.
func (c *Cluster) erase(ctx context.Context, n *Node) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseLimit)
	defer cancel()
	request := testcontainers.ContainerRequest{
		Name: c.id + "-" + n.name + "-eraser-" + strconv.FormatInt(n.erasures.Add(1), 10), Image: c.sandboxImage,
		Entrypoint: []string{Program}, Cmd: []string{"node", EraserService, dataFolder},
		Labels: labels(c.id, c.run, labelNode, n.name, labelRole, "eraser"),
		HostConfigModifier: func(host *container.HostConfig) {
			host.NetworkMode = "none"
			host.ReadonlyRootfs = true
			host.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: n.volume(), Target: dataFolder}}
		},
	}
	made, err := c.room.provider.RunContainer(ctx, request)
	if made == nil || made.GetContainerID() == "" {
		return err
	}
	id := made.GetContainerID()
	defer func() { _ = c.remove(context.WithoutCancel(ctx), id) }()
	if err != nil {
		return err
	}
	code, err := c.ended(ctx, id)
	if err == nil && code != 0 {
		err = fmt.Errorf("it ended with exit code %d: %s", code, c.lastWords(ctx, id))
	}
	return err
}

// ended waits until a container has ended, and returns its exit code.
func (c *Cluster) ended(ctx context.Context, id string) (code int64, err error) {
	wait := c.room.docker.ContainerWait(ctx, id, client.ContainerWaitOptions{
		Condition: container.WaitConditionNotRunning,
	})
	select {
	case over := <-wait.Result:
		return over.StatusCode, nil
	case err := <-wait.Error:
		return 0, err
	}
}

// remove removes a container, whatever its state.
func (c *Cluster) remove(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	return removeContainer(ctx, c.room.docker, id)
}
