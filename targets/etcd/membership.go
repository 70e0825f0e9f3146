package etcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

// remove asks the others to go on without a node.
func remove(ctx context.Context, c *containers.Cluster, node string) error {
	return elsewhere(ctx, c, node, func(ctx context.Context, etcd *clientv3.Client) error {
		members, err := etcd.MemberList(ctx)
		if err != nil {
			return err
		}
		for _, m := range members.Members {
			if nameOf(m) != node {
				continue
			}
			if _, err := etcd.MemberRemove(ctx, m.ID); !errors.Is(err, rpctypes.ErrMemberNotFound) {
				return err
			}
		}
		return nil
	})
}

// add asks the others to count on a node. etcd refuses for five seconds after a member was lost or came.
func add(ctx context.Context, c *containers.Cluster, node string) error {
	return elsewhere(ctx, c, node, func(ctx context.Context, etcd *clientv3.Client) error {
		_, err := etcd.MemberAdd(ctx, []string{peerURL(node)})
		if errors.Is(err, rpctypes.ErrPeerURLExist) {
			return nil
		}
		return err
	})
}

// listed returns whom the cluster counts on, as a majority knows it.
func listed(ctx context.Context, c *containers.Cluster) (names []string, err error) {
	err = elsewhere(ctx, c, "", func(ctx context.Context, etcd *clientv3.Client) error {
		members, err := etcd.MemberList(ctx)
		if err != nil {
			return err
		}
		names = nil
		for _, m := range members.Members {
			names = append(names, nameOf(m))
		}
		return nil
	})
	return names, err
}

// elsewhere asks every node but one in turn, until one has done it or ctx ends. What is asked may be done twice.
func elsewhere(ctx context.Context, c *containers.Cluster, but string,
	question func(context.Context, *clientv3.Client) error) error {
	const pause = 200 * time.Millisecond
	for {
		var errs []error
		for _, n := range c.Members() {
			if n.Name() == but {
				continue
			}
			err := ask(ctx, port(n), question)
			if err == nil {
				return nil
			}
			errs = append(errs, fmt.Errorf("%s: %w", n.Name(), err))
		}
		if !harness.Wait(ctx, pause) {
			return errors.Join(append(errs, ctx.Err())...)
		}
	}
}

// nameOf returns the name of a member, also of one that has not started yet and so has not told it.
func nameOf(m *pb.Member) string {
	for _, text := range m.PeerURLs {
		if u, err := url.Parse(text); err == nil {
			return u.Hostname()
		}
	}
	return m.Name
}
