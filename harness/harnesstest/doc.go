// Package harnesstest brings capsize into `go test`: whole runs as tests, and conformance kits for the parts people
// write themselves.
//
// A run is one call. What the client must be able to do is what the workload asks for; the rest has defaults.
//
//	func TestSurvivesPartitions(t *testing.T) {
//		harnesstest.Run(t, harness.Test{
//			Target:   mydb.Target{},
//			Workload: workloads.Register(),
//			Nemesis:  []harness.Nemesis{nemesis.Every(5*time.Second, nemesis.Partition(nemesis.Minority))},
//		})
//	}
//
// It fails when the run found a violation, and also when the run proved nothing: a test that passes says that
// something was tested. Two flags change every run of a package, and exist in test binaries that import this package
// only:
//
//	-capsize.seed N    the seed, in place of the one the test states
//	-capsize.time D    how long the load lasts, in place of what the test states
//
// # Kits
//
// Before the first real run of something new stands its kit. Each failure carries the sentence of the contract that
// was broken.
//
//   - [TestTarget] starts clusters and holds every power they have against its contract, and logs which they have not.
//   - [TestFault] strikes a cluster with a fault and looks for the harm, the proof and the cure.
//   - [TestChecker] gives a checker histories whose verdict is known.
//
// The kits call neither t.Run nor t.Parallel, so a simulated target can go through them in a testing/synctest bubble.
// The kit of targets looks for goroutines left behind, so other tests must not run beside it.
package harnesstest
