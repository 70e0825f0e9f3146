package gen_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

func Example() {
	next := int64(0)
	writes := gen.Func(func(harness.Ask) (harness.Call, bool) {
		next++
		return harness.Call{F: "write", Key: "x", Value: next}, true
	})
	calls := gen.Seq(gen.Limit(2, writes), gen.Of(harness.Call{F: "read", Key: "x"}))

	ask := harness.Ask{Rand: rand.New(rand.NewPCG(1, 1))}
	for call, ok := calls.Next(ask); ok; call, ok = calls.Next(ask) {
		fmt.Println(call.F, call.Key, call.Value)
	}
	// Output:
	// write x 1
	// write x 2
	// read x <nil>
}
