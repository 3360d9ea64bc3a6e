package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	pingJSZ    = "$SYS.REQ.SERVER.PING.JSZ"
	answerWait = 2 * time.Second // for a server to answer about itself
)

// LogStream is the document log among the streams of a server.
const LogStream = logStream

// ServerState is what one server holds.
type ServerState struct {
	Name     string // server name
	At       time.Time
	Disabled bool   // its JetStream switched itself off: a write failed
	Store    uint64 // bytes
	MaxStore uint64 // bytes it may store
	Streams  []ReplicaState
}

// ReplicaState is one server's copy of a stream: what it really holds, not what the
// leader believes of it.
type ReplicaState struct {
	Stream   string
	Leader   string // server name, as this server believes; empty: none
	Messages uint64
	First    uint64 // sequences
	Last     uint64
	Bytes    uint64
	Deleted  int    // messages between First and Last that are known to be deleted
	Lost     uint64 // messages that this copy lost and knows it
	Replicas int    // copies the stream should have
	MaxAge   time.Duration

	// Followers is what the leader believes of the others; nil from others than it.
	Followers []Follower
	Moving    string // what a change of copies is doing or waiting for; empty: none is under way
}

// Leads says whether the copy of the server called name is the leader's.
func (r ReplicaState) Leads(name string) bool { return r.Leader == name }

// Follower is a copy of a stream as its leader sees it.
type Follower struct {
	Name    string
	Current bool // not proof: a damaged copy may be called current
	Offline bool
	Lag     uint64
}

// serverAnswer is a server's answer about its JetStream.
type serverAnswer struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
	Data struct {
		Now      time.Time  `json:"now"`
		Disabled bool       `json:"disabled"`
		Meta     *metaState `json:"meta_cluster"`
		Store    uint64     `json:"storage"`
		Config   struct {
			MaxStore uint64 `json:"max_storage"`
		} `json:"config"`
		Accounts []struct {
			Streams []streamAnswer `json:"stream_detail"`
		} `json:"account_details"`
	} `json:"data"`
}

// streamAnswer is a stream in the answer of a server or of its leader.
type streamAnswer struct {
	Name   string `json:"name"`
	Config struct {
		Name     string        `json:"name"`
		Replicas int           `json:"num_replicas"`
		MaxAge   time.Duration `json:"max_age"`
	} `json:"config"`
	State struct {
		Messages uint64         `json:"messages"`
		Bytes    uint64         `json:"bytes"`
		First    uint64         `json:"first_seq"`
		Last     uint64         `json:"last_seq"`
		Deleted  int            `json:"num_deleted"`
		Subjects map[string]int `json:"subjects"` // messages of each, of those that were asked for
		Lost     *struct {
			Messages []uint64 `json:"msgs"`
		} `json:"lost"`
	} `json:"state"`
	Cluster clusterAnswer `json:"cluster"`
}

// messages counts those of the subjects that were asked for.
func (s streamAnswer) messages() int {
	n := 0
	for _, k := range s.State.Subjects {
		n += k
	}
	return n
}

type clusterAnswer struct {
	Leader   string `json:"leader"`
	Replicas []struct {
		Name    string `json:"name"`
		Current bool   `json:"current"`
		Offline bool   `json:"offline"`
		Lag     uint64 `json:"lag"`
		Pending bool   `json:"pending"`

		Active time.Duration `json:"active"` // since it was heard of
	} `json:"replicas"`
	Desired *struct {
		Status *struct {
			Description string `json:"description"`
			Err         string `json:"err"`
		} `json:"status"`
	} `json:"desired"`
}

func (c clusterAnswer) moving() string {
	switch {
	case c.Desired == nil:
		return ""
	case c.Desired.Status == nil:
		return "being arranged"
	}
	return strings.TrimSpace(c.Desired.Status.Description + " " + c.Desired.Status.Err)
}

func (s streamAnswer) replica() ReplicaState {
	r := ReplicaState{
		Stream: s.Name, Leader: s.Cluster.Leader, Messages: s.State.Messages, First: s.State.First, Last: s.State.Last,
		Bytes: s.State.Bytes, Deleted: s.State.Deleted, Replicas: s.Config.Replicas, MaxAge: s.Config.MaxAge, Moving: s.Cluster.moving(),
	}
	if s.State.Lost != nil {
		r.Lost = uint64(len(s.State.Lost.Messages))
	}
	for _, f := range s.Cluster.Replicas {
		r.Followers = append(r.Followers, Follower{f.Name, f.Current, f.Offline, f.Lag})
	}
	return r
}

// Replicas asks every server what it holds, in the order of their names. A server
// that does not answer within two seconds is not in the answer.
func (a *Admin) Replicas(ctx context.Context) ([]ServerState, error) {
	own, err := a.local(ctx)
	if err != nil {
		return nil, fmt.Errorf("state of the replicas: %w", err)
	}
	wait, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	var out []ServerState
	request := map[string]bool{"streams": true, "config": true}
	err = askAll(wait, a.nc, pingJSZ, request, func(body []byte) bool {
		var answer serverAnswer
		if err := json.Unmarshal(body, &answer); err != nil {
			a.log.Warn("the answer of a broker cannot be read", "error", err)
			return false
		}
		out = append(out, answer.state())
		return len(out) >= own.Size
	})
	if err != nil {
		return nil, fmt.Errorf("state of the replicas: %w", err)
	}
	slices.SortFunc(out, func(a, b ServerState) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (a serverAnswer) state() ServerState {
	s := ServerState{
		Name: a.Server.Name, At: a.Data.Now, Disabled: a.Data.Disabled,
		Store: a.Data.Store, MaxStore: a.Data.Config.MaxStore,
	}
	for _, account := range a.Data.Accounts {
		for _, stream := range account.Streams {
			r := stream.replica()
			if !r.Leads(s.Name) {
				r.Followers = nil
			}
			s.Streams = append(s.Streams, r)
		}
	}
	slices.SortFunc(s.Streams, func(a, b ReplicaState) int { return strings.Compare(a.Stream, b.Stream) })
	return s
}
