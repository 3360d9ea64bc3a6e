package queue

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

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

// Meta is the group of servers that decides about streams, as its leader sees it,
// or, without a leader, as this member's server does.
type Meta struct {
	Leader string // server name; empty: nobody leads, and nothing can be changed
	Size   int    // servers that count for the quorum
	Quorum int
	Rescue bool // the quorum is lowered by Rescue, for up to five minutes
	Peers  []MetaPeer
}

// MetaPeer is one server of the meta group.
type MetaPeer struct {
	Name    string // server name; empty when the leader has not heard of it since its own start
	PeerID  string
	Current bool // heard of recently, and has all that was decided
	Offline bool
	Active  time.Duration // since it was heard of; 0 for the leader
	Lag     uint64        // decisions it is behind
}

// Peer gives what is known about the server called name.
func (m Meta) Peer(name string) (MetaPeer, bool) {
	id := PeerID(name)
	i := slices.IndexFunc(m.Peers, func(p MetaPeer) bool { return p.PeerID == id })
	if i < 0 {
		return MetaPeer{}, false
	}
	return m.Peers[i], true
}

// fresh is how long ago a peer that heartbeats each second may have been heard of
// to count as alive.
const fresh = 3 * time.Second

// alive counts the servers that answer.
func (m Meta) alive() int {
	n := 0
	for _, p := range m.Peers {
		if !p.Offline && p.Active < fresh {
			n++
		}
	}
	return n
}

// PeerID is how JetStream names a server in its groups: eight characters made from
// the SHA-256 of its name. After a restart a leader knows servers that are gone for
// good by nothing else.
func PeerID(serverName string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(serverName))
	id := make([]byte, 8)
	for i := range id {
		id[i] = digits[int(sum[i])%len(digits)]
	}
	return string(id)
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

// metaState is the meta group in a server's answer.
type metaState struct {
	Leader   string `json:"leader"`
	Peer     string `json:"peer"`
	Size     int    `json:"cluster_size"`
	Quorum   int    `json:"quorum_needed"`
	Rescue   bool   `json:"rescue"`
	Replicas []struct {
		Name    string        `json:"name"`
		Peer    string        `json:"peer"`
		Current bool          `json:"current"`
		Offline bool          `json:"offline"`
		Active  time.Duration `json:"active"`
		Lag     uint64        `json:"lag"`
	} `json:"replicas"`
}

func (s metaState) meta() Meta {
	m := Meta{Leader: s.Leader, Size: s.Size, Quorum: s.Quorum, Rescue: s.Rescue}
	if s.Leader != "" {
		m.Peers = append(m.Peers, MetaPeer{Name: s.Leader, PeerID: s.Peer, Current: true})
	}
	for _, r := range s.Replicas {
		name := r.Name
		if strings.HasPrefix(name, "Server name unknown") {
			name = ""
		}
		m.Peers = append(m.Peers, MetaPeer{name, r.Peer, r.Current, r.Offline, r.Active, r.Lag})
	}
	return m
}

// Meta gives the state of the meta group. Without a leader it is what this
// member's server believes, and Leader is empty.
func (a *Admin) Meta(ctx context.Context) (Meta, error) {
	own, err := a.local(ctx)
	if err != nil {
		return Meta{}, fmt.Errorf("state of the meta group: %w", err)
	}
	if own.Leader == "" || own.Leader == a.nc.ConnectedServerName() {
		return own.meta(), nil
	}
	var led *metaState
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	err = askAll(ctx, a.nc, pingJSZ, map[string]bool{"leader_only": true}, func(body []byte) bool {
		var answer serverAnswer
		if json.Unmarshal(body, &answer) != nil || answer.Data.Meta == nil {
			return false
		}
		led = answer.Data.Meta
		return true
	})
	if err != nil {
		return Meta{}, fmt.Errorf("state of the meta group: %w", err)
	}
	if led == nil {
		m := own.meta()
		m.Leader = "" // the leader that this server remembers does not answer
		return m, nil
	}
	return led.meta(), nil
}

// local gives the meta group as this member's server sees it.
func (a *Admin) local(ctx context.Context) (metaState, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	var answer serverAnswer
	if err := ask(ctx, a.nc, "$SYS.REQ.SERVER."+a.nc.ConnectedServerId()+".JSZ", struct{}{}, &answer); err != nil {
		return metaState{}, err
	}
	if answer.Data.Meta == nil {
		return metaState{}, unavailable(errors.New("jetstream is switched off"))
	}
	return *answer.Data.Meta, nil
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
