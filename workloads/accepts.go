package workloads

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// accepts makes a [harness.Workload].Accepts: does the client have the methods of the interface C?
func accepts[C any](workload string) func(harness.Client) error {
	return func(client harness.Client) error {
		if _, ok := client.(C); ok {
			return nil
		}
		missing := missingMethods(reflect.TypeOf(client), reflect.TypeFor[C]())
		return fmt.Errorf("client %T cannot serve workload %q: it lacks %s", client, workload,
			strings.Join(missing, " and "))
	}
}

// missingMethods describes the methods of the interface that the type lacks, or has with another signature.
func missingMethods(client, wanted reflect.Type) []string {
	var missing []string
	for want := range wanted.Methods() {
		signature := want.Name + strings.TrimPrefix(want.Type.String(), "func")
		if client == nil {
			missing = append(missing, signature)
			continue
		}
		has, ok := client.MethodByName(want.Name)
		switch {
		case !ok:
			missing = append(missing, signature)
		case !sameSignature(has.Type, want.Type):
			missing = append(missing, fmt.Sprintf("%s (its %s has another signature)", signature, want.Name))
		}
	}
	return missing
}

// sameSignature compares a method with its receiver and one without.
func sameSignature(method, want reflect.Type) bool {
	if method.NumIn() != want.NumIn()+1 || method.NumOut() != want.NumOut() ||
		method.IsVariadic() != want.IsVariadic() {
		return false
	}
	for i := range want.NumIn() {
		if method.In(i+1) != want.In(i) {
			return false
		}
	}
	for i := range want.NumOut() {
		if method.Out(i) != want.Out(i) {
			return false
		}
	}
	return true
}

// invoker makes a [harness.Invoker] of what to do with a client of type C. It turns a failed read into a certain
// failure.
func invoker[C any](do func(context.Context, C, harness.Call) (harness.Result, error)) harness.Invoker {
	return func(ctx context.Context, client harness.Client, call harness.Call) (harness.Result, error) {
		c, ok := client.(C)
		if !ok {
			err := fmt.Errorf("client %T is no %s: %w", client, reflect.TypeFor[C](), harness.ErrNotApplied)
			return harness.Result{}, err
		}
		result, err := do(ctx, c, call)
		if err != nil && call.F == read {
			err = failedRead{err}
		}
		return result, err
	}
}

// failedRead is an error that certainly had no effect. It keeps the client's words.
type failedRead struct{ error }

func (f failedRead) Unwrap() []error { return []error{f.error, harness.ErrNotApplied} }

// badCall is the error for a call that no generator of the workload makes. It was not sent.
func badCall(workload string, call harness.Call) error {
	return fmt.Errorf("workload %q cannot %s %v (%T): %w",
		workload, call.F, call.Value, call.Value, harness.ErrNotApplied)
}

// elements is a list as a history records it: never nil.
func elements(list []int64) []int64 {
	if list == nil {
		return []int64{}
	}
	return list
}
