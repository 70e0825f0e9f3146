// Package workloads holds what clients do to a cluster, one kind of object each.
//
//   - [Register]: read, write and compare-and-set single values.
//   - [Append]: append to lists and read them.
//   - [Set]: add members to sets and read them, above all after the last heal.
//   - [ListAppend] and [RWRegister]: transactions on several lists or registers.
//   - [Bank]: transfer between accounts and read all balances.
//   - [LongFork]: write keys once each and read them in groups.
//
// A workload asks for a client interface of one to three methods ([RegisterClient], [ListClient], [SetClient],
// [TxnClient], [BankClient]). A target's client simply has these methods; it imports nothing from here. A method's
// error that wraps harness.ErrNotApplied says that the call certainly had no effect; any other says that nobody knows.
// A failed read is recorded as a certain failure whatever its error, because a read has no effect.
//
// All of them keep the rules that make a history worth judging and quick to judge:
//
//   - No value is written twice in a run, or no key, so a read says which write it saw.
//   - Few keys are in use at once, so that calls meet on them, and each retires after a few hundred calls, so that none
//     costs a checker much and an operation that never returned stops mattering when its key does.
//   - The n-th call of a run depends on the seed alone.
//   - The final generator reads every key the run used: the keys in use last from every node, the older ones from as
//     many nodes as a bound on the number of reads allows.
//
// A workload is a struct of parts, and any of them can be replaced: w := workloads.Set(); w.Checker = mine.
package workloads
