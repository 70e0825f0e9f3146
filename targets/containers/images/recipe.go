package images

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/engine"
)

//go:embed recipes
var recipes embed.FS

// The labels of the images made here.
const (
	imageLabel   = "capsize.image"  // sandbox or standin
	recipeLabel  = "capsize.recipe" // the name of the recipe
	versionLabel = "capsize.version"
	standInKind  = "standin"
	sandboxKind  = "sandbox"
)

// The sources of stand-ins.
const (
	fromModules = "Go modules"
	fromDebian  = "Debian packages"
)

// Recipe is how a stand-in is made. The server is the real one.
type Recipe struct {
	Name    string // what the user types: etcd
	Version string // of the server
	Summary string // one line: what is in it
	Image   string // the tag it makes: capsize-standin/etcd:3.6.14
	From    string // "Go modules" or "Debian packages"

	binary  string            // of Go modules: where the server is put
	aliases []string          // more names of it
	folders []string          // that the public image has
	files   map[string]string // by path in the image: the file of the recipe
	changes []string          // what the public image declares, in the words of a Dockerfile
}

// All returns the recipes, in the order of the list.
func All() []Recipe {
	all := []Recipe{
		{Name: "etcd", Version: "3.6.14", Summary: "the etcd server alone", From: fromModules,
			binary: "usr/local/bin/etcd", folders: []string{"var/etcd", "var/lib/etcd"},
			changes: []string{"WORKDIR /var/lib/etcd", "EXPOSE 2379 2380", `CMD ["/usr/local/bin/etcd"]`}},
		{Name: "nats", Version: "2.14.5", Summary: "nats-server alone", From: fromModules,
			binary: "nats-server", aliases: []string{"usr/local/bin/nats-server"},
			files:   map[string]string{"nats-server.conf": "nats-server.conf"},
			changes: []string{"EXPOSE 4222 6222 8222", `ENTRYPOINT ["/nats-server"]`, `CMD ["--config", "/nats-server.conf"]`}},
		{Name: "redis", Version: "7.0.15", Summary: "redis-server, redis-sentinel and redis-cli", From: fromDebian},
		{Name: "zookeeper", Version: "3.8.0", Summary: "ZooKeeper with Java, started by zkServer.sh start-foreground",
			From: fromDebian},
	}
	for i, r := range all {
		all[i].Image = "capsize-standin/" + r.Name + ":" + r.Version
	}
	return all
}

// Find returns the recipe of that name.
func Find(name string) (Recipe, bool) {
	for _, r := range All() {
		if r.Name == name {
			return r, true
		}
	}
	return Recipe{}, false
}

// Unknown says that there is no recipe of a name. It wraps [harness.ErrRefused]: somebody typed it.
type Unknown struct{ Name string }

// Error names those that there are.
func (u *Unknown) Error() string {
	var names []string
	for _, r := range All() {
		names = append(names, r.Name)
	}
	meant := ""
	if near := harness.Nearest(u.Name, names); near != "" {
		meant = " (did you mean " + near + "?)"
	}
	return fmt.Sprintf("there is no recipe for %q%s\n  do     one of %s", u.Name, meant, strings.Join(names, ", "))
}

// Unwrap returns [harness.ErrRefused].
func (u *Unknown) Unwrap() error { return harness.ErrRefused }

// Standing is a recipe and the image of it that is on an engine.
type Standing struct {
	Recipe
	ID   string // "" where there is none
	Size int64  // in bytes
}

// List returns every recipe with the image that the engine has of it.
func List(ctx context.Context, e *engine.Engine) ([]Standing, error) {
	var list []Standing
	for _, r := range All() {
		s := Standing{Recipe: r}
		image, found, err := local(ctx, e, r.Image)
		if err != nil {
			return nil, err
		}
		if found {
			s.ID, s.Size = image.ID, image.Size
		}
		list = append(list, s)
	}
	return list, nil
}

// labels are those of the recipe's image. The Dockerfiles name them themselves.
func (r Recipe) labels() map[string]string {
	return map[string]string{imageLabel: standInKind, recipeLabel: r.Name, versionLabel: r.Version}
}

// local finds an image that is on the engine.
func local(ctx context.Context, e *engine.Engine, name string) (client.ImageInspectResult, bool, error) {
	image, err := e.ImageInspect(ctx, name)
	if isNotFound(err) {
		return client.ImageInspectResult{}, false, nil
	}
	if err != nil {
		return client.ImageInspectResult{}, false, fmt.Errorf("look for the image %s: %w", name, err)
	}
	return image, true, nil
}
