// Package targets is the catalogue of systems under test.
//
// A target is a recipe for starting a system; a setting of one (how reads are answered) and a planted bug are
// targets of their own, with a claim of their own. Targets that need nothing but the binary run on [local], the
// process runtime. Adding one is a package below this one and a line in [All]; a system whose nodes are processes of
// this binary also needs a line in [Services].
//
// [local]: https://pkg.go.dev/github.com/capsize-dev/capsize/targets/local
package targets
