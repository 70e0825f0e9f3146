// Package images sees to it that the images a run needs are on the engine.
//
// There are three kinds:
//
//   - The sandbox ([Sandbox]) holds nothing but a static capsize, the agent of every node. It is made of the running
//     program where that is one for Linux, else of one that the Go toolchain builds.
//   - Public images are each project's own. [Resolve] finds the one a target names, pulls it where it is not there, and
//     says in the end exactly which one it is.
//   - Stand-ins ([All], [Build]) are the same servers, built where no registry answers: from Go modules or from
//     Debian's packages, through the ordinary clients of both. They are real servers, never mocks; their names say stand-in, and
//     so does what [Resolve] returns.
//
// Every image made here carries the label capsize.image. None is ever removed here.
package images
