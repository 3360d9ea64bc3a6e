package node

import (
	"context"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/queue"
)

// brokerState is how the brokers stand to each other.
type brokerState struct {
	peers    map[string]bool   // of the group that decides about streams, by node ID: current
	holds    map[string]bool   // a replica of the log
	bad      map[string]string // a replica that is not what it claims to be, and why
	seq      map[string]uint64 // last message of each replica
	leader   string            // of the log
	last     uint64            // message of the log
	replicas int               // that the log should have; 0: not known
	settled  bool              // all of them are current
	at       time.Time
}

// logWatch looks at every replica of the log: at what it holds, not at what it is
// believed to hold.
type logWatch struct {
	mu      sync.Mutex
	state   brokerState
	history [][]queue.ServerState // of the last checks, oldest first
	checked time.Time
}

const (
	checkPeriod = 5 * time.Second // between two checks of the copies
	checks      = 4               // in a row that a copy must fail to be bad
)

// looked is for how long an answer about the brokers is good.
const looked = time.Second

// brokers asks all brokers how they are; what does not answer is left out.
func (n *Node) brokers(ctx context.Context) brokerState {
	admin := n.admin.Load()
	if admin == nil {
		return brokerState{}
	}
	w := &n.logWatch
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.state.at) < looked {
		return w.state
	}
	meta, err := admin.Meta(ctx)
	if err != nil {
		n.log.Debug("the brokers do not answer", "error", err)
		return brokerState{}
	}
	servers, err := admin.Replicas(ctx)
	if err != nil {
		n.log.Debug("the brokers do not answer", "error", err)
		return brokerState{}
	}
	state := brokerState{peers: map[string]bool{}, holds: map[string]bool{}, bad: map[string]string{}, seq: map[string]uint64{}, at: time.Now()}
	for _, m := range n.control.Members() {
		if p, in := meta.Peer(m.ID); in {
			state.peers[m.ID] = p.Current && !p.Offline
		}
	}
	for _, s := range servers {
		for _, r := range s.Streams {
			state.holds[s.Name] = true
			if r.Stream == queue.LogStream {
				state.add(s.Name, r)
			}
		}
	}
	if time.Since(w.checked) >= checkPeriod {
		w.history = append(w.history[max(0, len(w.history)-checks+1):], servers)
		w.checked = time.Now()
	}
	for _, b := range queue.BadReplicas(w.history, checks) {
		state.bad[b.Server] = b.Stream + ": " + b.Reason
	}
	w.state = state
	return state
}

// mayReset gives the first message that a member's bad copy of the log may lack (0:
// it is not the log's copy that is bad), or says why it must not be thrown away now.
func (n *Node) mayReset(ctx context.Context, id string) (from uint64, err error) {
	admin := n.admin.Load()
	if admin == nil {
		return 0, errLogAway
	}
	servers, err := admin.Replicas(ctx)
	if err != nil {
		return 0, err
	}
	w := &n.logWatch
	w.mu.Lock()
	bad := queue.BadReplicas(w.history, checks)
	w.history = nil // what is made anew is judged anew
	w.mu.Unlock()
	for _, b := range bad {
		if b.Server == id && b.Stream == queue.LogStream {
			from = b.From
		}
	}
	return from, queue.SafeToReset(servers, id, bad)
}

// logRoom gives the bytes that the log may have on this member's disk; 0: its
// broker is not up.
func (n *Node) logRoom() uint64 {
	n.tending.Lock()
	b := n.broker
	n.tending.Unlock()
	if b == nil {
		return 0
	}
	s, err := b.Storage()
	if err != nil {
		return 0
	}
	return s.Max
}

// leastRoom gives the bytes that the log may have on the smallest of the disks.
func (n *Node) leastRoom() int64 {
	least := n.logRoom()
	for _, m := range n.others() {
		if h, up := n.peers.of(m.ID); up && h.LogRoom > 0 {
			least = min(least, h.LogRoom)
		}
	}
	return int64(least)
}

// add takes in what one server says of its copy of the log.
func (b *brokerState) add(server string, r queue.ReplicaState) {
	b.seq[server] = r.Last
	b.last = max(b.last, r.Last)
	if !r.Leads(server) {
		return
	}
	b.leader, b.replicas = server, r.Replicas
	current := 1
	for _, f := range r.Followers {
		if f.Current && !f.Offline {
			current++
		}
	}
	b.settled = current == r.Replicas && r.Moving == ""
}
