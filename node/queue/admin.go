package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Admin administers the brokers of all members through the system account: who
// belongs to JetStream's meta group, and what each server holds. It needs no log
// and no leader to be opened.
type Admin struct {
	nc  *nats.Conn
	log *slog.Logger
}

// OpenAdmin connects to this member's server. log may be nil.
func OpenAdmin(b Broker, log *slog.Logger) (*Admin, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	user, password := b.SystemCredentials()
	nc, err := connect(b, user, password, "admin", log)
	if err != nil {
		return nil, fmt.Errorf("open broker administration: %w", unavailable(err))
	}
	return &Admin{nc: nc, log: log}, nil
}

// Close ends the connection.
func (a *Admin) Close() error {
	a.nc.Close()
	return nil
}

// errNotAMember is the broker's answer about a server it does not know.
const errNotAMember jetstream.ErrorCode = 10044

const (
	subjectRemove   = "$JS.API.SERVER.REMOVE"
	subjectEvacuate = "$JS.API.SERVER.EVACUATE"
	subjectRescue   = "$JS.API.META.RESCUE"
	metaStepDown    = "$JS.API.META.LEADER.STEPDOWN"
)

type peerRequest struct {
	Peer   string `json:"peer"` // always empty: names are not known for ever
	PeerID string `json:"peer_id"`
}

// RemovePeer takes a server out of the meta group and of all streams, for good: the
// name is refused for five minutes and must never be used again. A server that is no
// member is no error. It refuses while no quorum answers, because a removal that
// is begun then wedges the group; Rescue comes first.
func (a *Admin) RemovePeer(ctx context.Context, serverName string) error {
	meta, err := a.Meta(ctx)
	if err != nil {
		return fmt.Errorf("remove %s from the broker: %w", serverName, err)
	}
	if meta.Leader == "" || meta.alive() < meta.Quorum {
		return doc.Errorf(doc.Unavailable, "the brokers have no majority: %d of %d answer, %d are needed", meta.alive(), meta.Size, meta.Quorum)
	}
	if err := a.removePeer(ctx, serverName); err != nil {
		return fmt.Errorf("remove %s from the broker: %w", serverName, err)
	}
	return nil
}

func (a *Admin) removePeer(ctx context.Context, serverName string) error {
	return repeat(ctx, answerWait, func(ctx context.Context) error {
		err := ask(ctx, a.nc, subjectRemove, peerRequest{PeerID: PeerID(serverName)}, nil)
		var refused *apiError
		if errors.As(err, &refused) && refused.ErrCode == errNotAMember {
			return nil
		}
		return err
	})
}

// Evacuate moves everything away from a server that is to leave, and waits until
// it holds no stream. It may be called again after it was interrupted. The streams
// must have another server to go to: fewer copies first where there is none.
func (a *Admin) Evacuate(ctx context.Context, serverName string) error {
	asked := false
	err := repeat(ctx, answerWait, func(ctx context.Context) error {
		if !asked {
			if err := ask(ctx, a.nc, subjectEvacuate, peerRequest{PeerID: PeerID(serverName)}, nil); err != nil {
				return err
			}
			asked = true
		}
		held, err := a.held(ctx, serverName)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return fmt.Errorf("it still holds %s", strings.Join(held, ", "))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("evacuate %s: %w", serverName, err)
	}
	return nil
}

// held names the streams of which a server has a copy.
func (a *Admin) held(ctx context.Context, serverName string) ([]string, error) {
	servers, err := a.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range servers {
		for _, r := range s.Streams {
			if s.Name == serverName || slices.ContainsFunc(r.Followers, func(f Follower) bool { return f.Name == serverName }) {
				out = append(out, r.Stream)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// HandOver makes another server lead the meta group, if this member's does. Before
// a planned stop it spares the others an election.
func (a *Admin) HandOver(ctx context.Context) error {
	own, err := a.local(ctx)
	if err != nil {
		return fmt.Errorf("hand over the meta group: %w", err)
	}
	if own.Leader != a.nc.ConnectedServerName() || own.Size < 2 {
		return nil
	}
	if err := ask(ctx, a.nc, metaStepDown, struct{}{}, nil); err != nil {
		return fmt.Errorf("hand over the meta group: %w", err)
	}
	return nil
}

// Rescue makes the servers that are left a cluster of their own after the loss of
// the majority for good: it waits until the loss is certain (about 16 s), lowers the
// quorum, and removes the lost ones. Nothing of it may be done while a lost server
// might come back: what it alone knows is forgotten, and it must not be let in again.
// It is called on one survivor, may be repeated, and needs all survivors running.
func (a *Admin) Rescue(ctx context.Context, lost []string) error {
	if err := a.awaitLeader(ctx, lost); err != nil {
		return fmt.Errorf("rescue the brokers: %w", err)
	}
	for _, name := range lost {
		if err := a.removePeer(ctx, name); err != nil {
			return fmt.Errorf("rescue the brokers: remove %s: %w", name, err)
		}
	}
	err := repeat(ctx, answerWait, func(ctx context.Context) error {
		meta, err := a.Meta(ctx)
		if err != nil {
			return err
		}
		for _, name := range lost {
			if _, there := meta.Peer(name); there {
				return fmt.Errorf("%s is not removed yet", name)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rescue the brokers: %w", err)
	}
	return nil
}

// awaitLeader lowers the quorum as soon as nobody leads, until one of the
// survivors does.
func (a *Admin) awaitLeader(ctx context.Context, lost []string) error {
	return repeat(ctx, answerWait, func(ctx context.Context) error {
		own, err := a.local(ctx)
		if err != nil {
			return err
		}
		meta := own.meta()
		left := own.Size
		for _, name := range lost {
			if _, there := meta.Peer(name); there {
				left--
			}
		}
		if own.Leader != "" {
			if slices.Contains(lost, own.Leader) || !own.Rescue && left < own.Quorum {
				return errors.New("the loss of the majority is not certain yet")
			}
			return nil
		}
		if left < own.Quorum && !own.Rescue {
			a.log.Warn("the quorum of the brokers is lowered", "servers", own.Size, "lost", len(lost))
			if err := ask(ctx, a.nc, subjectRescue, map[string]int{"quorum_needed": left/2 + 1}, nil); err != nil {
				return err
			}
		}
		return errors.New("nobody leads yet")
	})
}
