package harnesstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// FaultKit are the settings of the kit for faults. The zero value is what [TestFault] uses.
type FaultKit struct {
	Nodes    int           // of the cluster; 5
	Patience time.Duration // until the cluster has recovered; 60 s
	Answer   time.Duration // how long a call may take; 2 s
	Hold     time.Duration // how long the fault is on, under load, before its evidence is asked for; 1 s
}

// The contract of a fault.
const (
	faultName     rule = "a fault has a name without blanks, which is what the user types"
	faultSupports rule = "Supports says in a sentence why a cluster cannot suffer the fault, and nil where it can"
	faultInjury   rule = "an injury says who was hurt, in words and by the names of nodes, and brings its cure"
	faultHurts    rule = "Inject hurts the cluster, and returns when the harm is done"
	faultProof    rule = "a fault proves that it took effect, by Evidence or Aftermath, and says by what"
	faultHeals    rule = "Heal undoes the harm, also when the context of Inject has ended"
	faultSeed     rule = "the choices of Inject come from rng alone, and from who leads now"
	faultNobody   rule = "when there is nobody left to hurt Inject returns ErrNobody, or hurts what is left; it returns " +
		"no other error, and Heal does not wake what the fault did not hurt"
	faultUndone rule = "when Inject returns an error it has undone what it began"
)

// TestFault strikes a cluster of the target with the fault, under a little load, and looks for the harm, the proof and
// the cure. The target must be one that can suffer it, and its clients need the methods of at least one workload.
func TestFault(t testing.TB, fault harness.Fault, target harness.Target) {
	t.Helper()
	FaultKit{}.Test(t, fault, target)
}

// Test is [TestFault] with these settings.
func (k FaultKit) Test(t testing.TB, fault harness.Fault, target harness.Target) {
	t.Helper()
	kit := k.start(t, fault, target)
	defer func() { _ = kit.cluster.Stop(context.WithoutCancel(t.Context())) }()
	if fault.Name() == "" || strings.ContainsAny(fault.Name(), " \t\n") {
		faultName.broken(t, "the fault's name is %q", fault.Name())
	}
	kit.supports()
	if err := kit.works(kit.nodes); err != nil {
		t.Fatalf("%s does not work before it is hurt: %v", target.Name(), err)
	}
	for seed := range uint64(3) {
		kit.strike(seed)
	}
	kit.interrupted()
	kit.nobody()
}

// faultKit is a fault and the cluster it strikes.
type faultKit struct {
	*bench
	fault harness.Fault
	nodes []harness.Node
	hold  time.Duration
}

func (k FaultKit) start(t testing.TB, fault harness.Fault, target harness.Target) *faultKit {
	t.Helper()
	if k.Nodes == 0 {
		k.Nodes = 5
	}
	if k.Patience == 0 {
		k.Patience = time.Minute
	}
	if k.Answer == 0 {
		k.Answer = 2 * time.Second
	}
	if k.Hold == 0 {
		k.Hold = time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), k.Patience)
	defer cancel()
	env := TargetKit{Nodes: k.Nodes}.env(t)
	if p, ok := fault.(harness.Preparer); ok {
		p.Prepare(&env)
	}
	cluster, err := target.Start(ctx, env)
	if err != nil {
		t.Fatalf("start %s: %v", target.Name(), err)
	}
	return &faultKit{newBench(t, cluster, k.Patience, k.Answer, "capsize-kit"), fault, cluster.Nodes(), k.Hold}
}

// powerless is a cluster that can do nothing but serve.
type powerless struct{ nodes []harness.Node }

type powerlessNode struct{ node harness.Node }

func (p powerless) Nodes() []harness.Node      { return p.nodes }
func (p powerless) Stop(context.Context) error { return nil }
func (n powerlessNode) Name() string           { return n.node.Name() }
func (n powerlessNode) Dial(ctx context.Context) (harness.Client, error) {
	return n.node.Dial(ctx)
}

func (k *faultKit) supports() {
	k.t.Helper()
	if err := k.fault.Supports(k.cluster); err != nil {
		faultSupports.fatal(k.t, "this cluster cannot suffer %s: %v", k.fault.Name(), err)
	}
	var without powerless
	for _, n := range k.nodes {
		without.nodes = append(without.nodes, powerlessNode{n})
	}
	if err := k.fault.Supports(without); err == nil || strings.TrimSpace(err.Error()) == "" {
		faultSupports.broken(k.t, "a cluster without any power is said to be able to suffer %s (%v)", k.fault.Name(), err)
	}
}

// inject has the fault strike. It returns nil where there is nobody to hurt; the test goes on then.
func (k *faultKit) inject(ctx context.Context, seed uint64) *harness.Injury {
	k.t.Helper()
	injury, err := k.fault.Inject(ctx, k.cluster, rand.New(rand.NewPCG(seed, 0)))
	if errors.Is(err, harness.ErrNobody) {
		return nil
	}
	if err != nil {
		faultHurts.fatal(k.t, "inject %s: %v", k.fault.Name(), err)
	}
	if injury.Heal == nil {
		faultInjury.fatal(k.t, "the injury brings no cure")
	}
	return &injury
}

// healthy waits until the cluster is as it was: who struck next would otherwise hurt a cluster that is hurt.
func (k *faultKit) healthy(r rule, what string) {
	k.t.Helper()
	for _, node := range k.nodes {
		if v := k.vital(node); v.State != "" && v.State != harness.Running {
			r.broken(k.t, "%s, and %s is %s", what, node.Name(), v.State)
		}
	}
	if err := k.works(k.nodes); err != nil {
		r.fatal(k.t, "%s: %v", what, err)
	}
	if settler, ok := k.cluster.(harness.Settler); ok {
		if err := k.act(settler.Settled); err != nil {
			r.broken(k.t, "%s, and the cluster does not settle: %v", what, err)
		}
	}
}

// strike strikes twice with one seed.
func (k *faultKit) strike(seed uint64) {
	k.t.Helper()
	var chosen [2]string
	var led [2][]string
	for i := range chosen {
		led[i] = k.leaders()
		before := k.counted()
		ctx, cancel := context.WithTimeout(k.t.Context(), k.patience)
		injury := k.inject(ctx, seed)
		cancel() // the cure must not depend on it
		if injury == nil {
			faultHurts.fatal(k.t, "%s finds nobody to hurt in a healthy cluster", k.fault.Name())
		}
		k.describes(*injury)
		chosen[i] = fmt.Sprint(injury.Nodes, injury.Sides)
		failed := k.load()
		if !failed && !k.harmed(before) {
			faultHurts.broken(k.t, "%s struck (%s): every node runs, every call succeeds and no link held anything",
				k.fault.Name(), injury.Detail)
		}
		k.proves(*injury)
		k.healthy(faultHeals, fmt.Sprintf("%s (%s) was healed", k.fault.Name(), injury.Detail))
	}
	if chosen[0] != chosen[1] && slices.Equal(led[0], led[1]) {
		faultSeed.broken(k.t, "with one seed %s chose %s and then %s", k.fault.Name(), chosen[0], chosen[1])
	}
}

// describes holds what an injury says against the cluster.
func (k *faultKit) describes(injury harness.Injury) {
	k.t.Helper()
	if strings.TrimSpace(injury.Detail) == "" || (len(injury.Nodes) == 0 && len(injury.Sides) == 0) {
		faultInjury.broken(k.t, "the injury says %q of the nodes %v", injury.Detail, injury.Nodes)
	}
	for _, name := range slices.Concat(append(injury.Sides, injury.Nodes)...) {
		if !slices.ContainsFunc(k.nodes, func(n harness.Node) bool { return n.Name() == name }) {
			faultInjury.broken(k.t, "the injury hurt %q, which is no node", name)
		}
	}
}

// proves asks for the evidence and heals, in the order in which a run does.
func (k *faultKit) proves(injury harness.Injury) {
	k.t.Helper()
	ask := func(when string, proof func(context.Context) (harness.Evidence, error)) {
		if proof == nil {
			return
		}
		err := k.act(func(ctx context.Context) error {
			evidence, err := proof(ctx)
			if err == nil && (!evidence.TookEffect || strings.TrimSpace(evidence.Text) == "") {
				faultProof.broken(k.t, "%s: took effect: %v, by %q", when, evidence.TookEffect, evidence.Text)
			}
			return err
		})
		if err != nil {
			faultProof.broken(k.t, "%s: %v", when, err)
		}
	}
	if injury.Evidence == nil && injury.Aftermath == nil {
		faultProof.broken(k.t, "the injury has neither Evidence nor Aftermath")
	}
	ask("evidence", injury.Evidence)
	if err := k.act(injury.Heal); err != nil {
		faultHeals.fatal(k.t, "heal %s: %v", k.fault.Name(), err)
	}
	ask("aftermath", injury.Aftermath)
}

// load makes calls on every node at once while the fault is on, and reports whether one of them failed.
func (k *faultKit) load() bool {
	k.t.Helper()
	var group sync.WaitGroup
	failed := make([]bool, len(k.nodes))
	end := time.Now().Add(k.hold)
	base := k.last
	for i, node := range k.nodes {
		group.Go(func() {
			for n := int64(0); time.Now().Before(end); n++ {
				err := k.with(node, func(ctx context.Context, c harness.Client) error {
					return put(ctx, c, k.key, base+1+n*int64(len(k.nodes))+int64(i))
				})
				if err != nil {
					failed[i] = true
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	group.Wait()
	k.last += 1 << 32
	return slices.Contains(failed, true)
}

func (k *faultKit) leaders() []string {
	k.t.Helper()
	leaders, ok := k.cluster.(harness.Leaders)
	if !ok {
		return nil
	}
	var names []string
	if err := k.act(func(ctx context.Context) (err error) { names, err = leaders.Leaders(ctx); return err }); err != nil {
		k.t.Errorf("leaders: %v", err)
	}
	slices.Sort(names)
	return names
}

// interrupted injects with a context that has ended. Whatever the fault makes of it, it must leave nothing behind.
func (k *faultKit) interrupted() {
	k.t.Helper()
	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	injury, err := k.fault.Inject(ctx, k.cluster, rand.New(rand.NewPCG(1, 0)))
	if err == nil && injury.Heal != nil {
		if err := k.act(injury.Heal); err != nil {
			faultHeals.fatal(k.t, "heal %s: %v", k.fault.Name(), err)
		}
	}
	k.healthy(faultUndone, fmt.Sprintf("the context of Inject had ended (it returned %v)", err))
}

// nobody kills every node and strikes then.
func (k *faultKit) nobody() {
	k.t.Helper()
	for _, node := range k.nodes {
		killer, ok := node.(harness.Killer)
		if !ok {
			return
		}
		if err := k.act(killer.Kill); err != nil {
			k.t.Fatalf("kill %s: %v", node.Name(), err)
		}
	}
	injury, err := k.fault.Inject(k.t.Context(), k.cluster, rand.New(rand.NewPCG(1, 0)))
	switch {
	case err == nil && injury.Heal != nil:
		err = k.act(injury.Heal)
	case errors.Is(err, harness.ErrNobody):
		err = nil
	}
	if err != nil {
		faultNobody.broken(k.t, "every node is dead: %v", err)
	}
	for _, node := range k.nodes {
		if v := k.vital(node); v.State != "" && v.State != harness.Dead {
			faultNobody.broken(k.t, "%s was dead before the fault struck, and is %s after it was healed", node.Name(), v.State)
		}
	}
}
