//go:build linux

package chaos

import (
	"context"
	"os/exec"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/doc"
)

// System is what runs on the members: Recto, or plain JetStream to compare with.
type System interface {
	// Name is how reports call it.
	Name() string
	// Command is the process of a member that has been started before.
	Command(c *Cluster, m *Member) *exec.Cmd
	// Join starts a member with an empty disk for the first time and waits until it
	// is a full member of the cluster, or the cluster itself when it is the first.
	Join(ctx context.Context, c *Cluster, m *Member) error
	// Ready gives nil when m works.
	Ready(ctx context.Context, m *Member) error
	// Leader is the member that leads now, as far as anybody knows; nil: nobody.
	Leader(ctx context.Context, c *Cluster) *Member
	// Deliver sends one document to one member and says what it answered.
	Deliver(ctx context.Context, m *Member, p paper.Paper) Answer
	// Judge waits, once everything is healed, until nothing is under way any more
	// or ctx ends, and names every promise that was broken. before are documents of
	// earlier runs.
	Judge(ctx context.Context, c *Cluster, h history.History, before map[doc.ID]bool) []history.Violation
}

// Membership is a System whose members can leave.
type Membership interface {
	// Leave has m leave for good and waits until it has left; dead says that it will
	// not come back.
	Leave(ctx context.Context, c *Cluster, m *Member, dead bool) error
	// Leaving gives the members that are on their way out, or have left.
	Leaving(ctx context.Context, c *Cluster) []*Member
}

// Answer is what came of a delivery.
type Answer struct {
	Acked  bool
	ID     doc.ID
	SHA256 string
	Err    error
}
