package node

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/doc"
)

const (
	askPeriod   = time.Second            // between two looks at each other member
	askPatience = 900 * time.Millisecond // for one answer
	upFor       = 3 * time.Second        // after an answer a member counts as up
	maxVitals   = 1 << 20                // bytes
)

// vitals is what a member tells the others of itself.
type vitals struct {
	Ready     bool              `json:"ready"`
	Missing   []string          `json:"missing"`
	Behind    string            `json:"behind,omitempty"` // in what its broker's copies are behind, if they are
	Version   string            `json:"version"`
	Workers   int               `json:"workers"`
	Busy      int               `json:"busy"`
	Reading   []doc.ID          `json:"reading"` // documents in hand; null: a version that does not say
	DiskUsed  int64             `json:"disk_used"`
	DiskFree  int64             `json:"disk_free"`
	CertUntil time.Time         `json:"cert_until"`
	IndexSeq  uint64            `json:"index_seq"`
	Copies    doc.CopiesView    `json:"copies"`
	LogWorks  bool              `json:"log_works"`
	LogRoom   uint64            `json:"log_room"`       // bytes that the log may have on its disk; 0: not known
	Goal      string            `json:"goal,omitempty"` // of the member that leads
	Steps     []doc.ClusterStep `json:"steps,omitempty"`
	Now       time.Time         `json:"now"`
}

// heard is the last answer of a member.
type heard struct {
	vitals
	at   time.Time
	skew time.Duration // its clock against ours
}

// peers knows how the other members are.
type peers struct {
	mu    sync.Mutex
	last  map[string]heard // by node ID
	asked bool             // everybody was asked at least once
}

func newPeers() *peers { return &peers{last: map[string]heard{}} }

func (p *peers) of(id string) (heard, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.last[id]
	return h, ok && time.Since(h.at) < upFor
}

func (p *peers) up(id string) bool {
	_, ok := p.of(id)
	return ok
}

func (p *peers) hear(id string, h heard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[id] = h
}

func (p *peers) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// keepOnly forgets members that are gone.
func (p *peers) keepOnly(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = true
	maps.DeleteFunc(p.last, func(id string, _ heard) bool { return !slices.Contains(ids, id) })
}

// others gives the members beside this one that are not removed.
func (n *Node) others() []cluster.Member {
	return slices.DeleteFunc(n.control.Members(), func(m cluster.Member) bool {
		return m.ID == n.id.Node || m.State == cluster.Removed
	})
}

// isUp says whether a member answered a moment ago; this one always does. Before
// anybody was asked, all are thought to be up.
func (n *Node) isUp(id string) bool {
	return id == n.id.Node || n.peers.up(id) || !n.peers.begun()
}

// askOthers looks how the other members are, and tells those who work with them.
func (n *Node) askOthers(ctx context.Context) {
	others := n.others()
	var wg sync.WaitGroup
	var ids []string
	for _, m := range others {
		ids = append(ids, m.ID)
		wg.Go(func() {
			h, err := n.ask(ctx, m.ID)
			if err != nil {
				n.log.Debug("a member does not answer", "member", m.Name, "error", err)
				return
			}
			n.peers.hear(m.ID, h)
		})
	}
	wg.Wait()
	n.peers.keepOnly(ids)
	n.tellMembers()
}

func (n *Node) ask(ctx context.Context, id string) (heard, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	from := time.Now()
	var v vitals
	if err := n.getFrom(ctx, id, "/vitals", maxVitals, &v); err != nil {
		return heard{}, err
	}
	now := time.Now()
	middle := from.Add(now.Sub(from) / 2)
	return heard{vitals: v, at: now, skew: v.Now.Sub(middle)}, nil
}

// vitals says how this member is.
func (n *Node) vitals() vitals {
	missing := n.parts.missing()
	v := vitals{
		Ready: len(missing) == 0, Missing: missing, Version: n.build.Version,
		Workers: n.cfg.workers(), Busy: int(n.busy.Load()), Reading: n.handsHere(),
		CertUntil: n.control.Status().CertUntil, IndexSeq: n.db.Index().Applied(),
		Copies: n.copiesView(), LogWorks: n.parts.ok(partLog), LogRoom: n.logRoom(), Now: time.Now().UTC(),
	}
	var st syscall.Statfs_t
	if syscall.Statfs(n.cfg.Data, &st) == nil {
		v.DiskFree = int64(st.Bavail) * st.Bsize
		v.DiskUsed = int64(st.Blocks-st.Bfree) * st.Bsize
	}
	v.Behind, _ = n.parts.behind(partBroker)
	v.Goal, v.Steps = n.reconciler.View()
	return v
}

// servePeers answers the other members, when everything that an answer needs is
// there: also what hears of objects that they store here.
func (n *Node) servePeers() {
	n.control.Handle("/blobs/", n.copies.Handler())
	n.control.Handle("GET /vitals", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeAnswer(w, n.vitals())
	}))
	n.control.Handle("POST /pages", http.HandlerFunc(n.serveShare))
	n.control.Handle("GET /words/{key...}", http.HandlerFunc(n.serveWords))
	n.control.Handle("POST /secret", http.HandlerFunc(n.serveSecret))
	n.control.Handle("POST /train", http.HandlerFunc(n.serveTrain))
	n.control.Handle("POST /reset", http.HandlerFunc(n.serveReset))
}
