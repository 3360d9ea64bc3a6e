package queue

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
