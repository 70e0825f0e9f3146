// Package gen builds generators out of generators.
//
// A [harness.Generator] is asked for one call at a time, by one worker after another, and answers with the call or with
// "this worker has no more to do". Leaves make calls: [Func] computes each of them, [Of] has a list, [Repeat] knows
// only one. Combinators ask others: [Mix] picks one at random, [Limit] stops after so many, [Seq] goes from one to the
// next, and [Each] gives every worker its own.
//
//	gen.Mix(gen.Weight(4, reads), writes)                          // four reads to one write
//	gen.Seq(gen.Limit(100, writes), gen.Limit(100, reads))         // first fill, then look
//
// None of them locks, since the harness asks for one call at a time, and none knows any randomness but that of
// [harness.Ask], so the calls of a run depend on its seed alone. Some remember how far they got: make them inside
// harness.Workload.New, never outside, or a second run would go on where the first one ended.
package gen
