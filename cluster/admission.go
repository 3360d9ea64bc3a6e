package cluster

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxSkew is how far the clock of a new member may be off.
const maxSkew = 30 * time.Second

// joinRequest is what a machine that wants to be let in says, after it has seen
// that it talks to the cluster of its token.
type joinRequest struct {
	Secret string        `json:"secret"`
	CSR    []byte        `json:"csr"`
	Member Member        `json:"member"`
	Time   time.Time     `json:"time"`            // of the machine's clock, when it was sent
	Trip   time.Duration `json:"trip"`            // there and back, measured before
	Check  bool          `json:"check,omitempty"` // only say whether it would be let in
}

// joinAnswer is what it gets.
type joinAnswer struct {
	Cluster string   `json:"cluster"`
	Cert    []byte   `json:"cert,omitempty"` // absent when only checked
	CA      []byte   `json:"ca"`
	Level   int      `json:"level"`
	Members []Member `json:"members"`
	Up      []string `json:"up"` // node IDs of those that answer
}

// greeting is what anybody may know: it measures the way and the clock.
type greeting struct {
	Time time.Time `json:"time"`
}

func answerGreeting(c *Cluster) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(greeting{c.now()}) // a caller that went away needs no answer
	})
}

// askJoin answers a machine that wants to be let in: itself when it leads, else
// with what the leader says. Through an election it asks again, which does no harm:
// whoever has the key that was let in is let in.
func (c *Cluster) askJoin(ctx context.Context, q joinRequest) (joinAnswer, error) {
	if err := c.clockFits(q); err != nil {
		return joinAnswer{}, err
	}
	if c.keptOutNow() {
		return joinAnswer{}, &Refusal{Err: ErrRemoved, Reason: c.cfg.Name + " does not belong to the cluster any more", Remedy: "give the address of another member"}
	}
	limited, stop := context.WithTimeout(ctx, c.cfg.timing.propose)
	defer stop()
	for {
		moved := c.leader.moved()
		_, leader := c.raft.LeaderWithID()
		var a joinAnswer
		err := error(ErrNotLeader)
		switch {
		case c.Leads():
			a, err = c.admitJoin(ctx, q)
		case leader != "" && string(leader) != c.id:
			err = c.call(ctx, string(leader), "/cluster/join", q, &a)
		}
		if err == nil || errors.As(err, new(*Refusal)) {
			return a, err
		}
		c.log.Debug("join at the leader", "error", err)
		select {
		case <-moved:
		case <-time.After(200 * time.Millisecond):
		case <-limited.Done():
			return joinAnswer{}, c.noQuorum()
		}
	}
}

func (c *Cluster) noQuorum() error {
	return &Refusal{
		Err:    ErrNoQuorum,
		Reason: "the cluster cannot decide at the moment: " + ErrNoQuorum.Error(),
		Remedy: "bring the other members up again, then repeat the join",
	}
}

func (c *Cluster) clockFits(q joinRequest) error {
	skew := q.Time.Add(q.Trip / 2).Sub(c.now())
	if skew.Abs() <= maxSkew+q.Trip.Abs()/2 {
		return nil
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	return &Refusal{
		Err:    ErrClock,
		Reason: fmt.Sprintf("the clock of %s is %s %s that of %s", q.Member.Name, span(skew.Abs()), way, c.cfg.Name),
		Remedy: "set the time on both, best by time synchronisation (NTP), and repeat the join",
	}
}

// span spells a duration so that a person sees how much it is.
func span(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// admitJoin lets a machine in, on the leader: after all that could be wrong was
// looked at, one entry uses up the token and registers the member.
func (c *Cluster) admitJoin(ctx context.Context, q joinRequest) (joinAnswer, error) {
	select { // one after another
	case c.joining <- struct{}{}:
		defer func() { <-c.joining }()
	case <-time.After(c.cfg.timing.busy):
		return joinAnswer{}, busyWith("another machine")
	case <-ctx.Done():
		return joinAnswer{}, context.Cause(ctx)
	}
	for {
		key, again, err := c.knows(q)
		if err == nil && !again {
			err = c.mayJoin(ctx, q)
		}
		if err != nil {
			return joinAnswer{}, err
		}
		answer, err := c.answerJoin(q, key)
		if err != nil || q.Check || again {
			return answer, err
		}
		switch err := c.register(ctx, q, keyName(key)); {
		case errors.Is(err, ErrConflict): // something changed meanwhile: look again
		case err != nil:
			return joinAnswer{}, err
		default:
			answer.Members = c.Members()
			// So the log is there when it starts. If this fails, whoever watches the
			// members does it.
			if err := c.AddNonvoter(ctx, q.Member.ID); err != nil {
				c.log.Warn("send the log to a new member", "member", q.Member.Name, "error", err)
			}
			c.log.Info("let a member in", "member", q.Member.Name, "node", q.Member.ID)
			return answer, nil
		}
	}
}

// knows gives the machine's public key, and whether it was let in before: then its
// answer was lost, and it may have it again, because it has the key.
func (c *Cluster) knows(q joinRequest) (key *x509.CertificateRequest, again bool, err error) {
	csr, err := x509.ParseCertificateRequest(q.CSR)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil || !validID(q.Member.ID) {
		return nil, false, fmt.Errorf("the request to join is damaged: %w", err)
	}
	m, ok := c.Member(q.Member.ID)
	switch {
	case !ok:
		return csr, false, nil
	case m.State == Removed:
		return nil, false, c.keptOut(m)
	case m.Key != keyName(csr):
		return nil, false, &Refusal{
			Err:    ErrMember,
			Reason: fmt.Sprintf("%s already has the node ID %s", m.Name, m.ID),
			Remedy: "start the new machine with an empty data folder, not with a copy of another one's",
		}
	}
	return csr, true, nil
}

func keyName(csr *x509.CertificateRequest) string { return fingerprint(csr.RawSubjectPublicKeyInfo) }

// mayJoin looks at all that can be wrong, cheapest first. It changes nothing.
func (c *Cluster) mayJoin(ctx context.Context, q joinRequest) error {
	if c.Level() < LevelClustered {
		return &Refusal{Err: ErrLevel, Reason: "the cluster still works as the version before did", Remedy: "finish its upgrade first, then repeat the join"}
	}
	if _, _, err := c.findToken(q.Secret); err != nil {
		return err
	}
	if err := fits(c.Level(), q.Member.Levels, q.Member.Name, q.Member.Version); err != nil {
		return err
	}
	if err := c.verify(ctx); err != nil {
		return err
	}
	if err := c.othersAreIn(ctx, q.Member.ID); err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(q.CSR)
	if err != nil {
		return fmt.Errorf("the request to join is damaged: %w", err)
	}
	return c.reachable(ctx, q.Member, keyName(csr))
}

// othersAreIn waits until nobody else is on the way in: the members change one by
// one.
func (c *Cluster) othersAreIn(ctx context.Context, id string) error {
	limit := time.After(c.cfg.timing.busy)
	changed, cancel := c.Watch(kindMember)
	defer cancel()
	for {
		other := ""
		for _, m := range c.Members() {
			if m.State == Joining && m.ID != id {
				other = m.Name
			}
		}
		if other == "" {
			return nil
		}
		select {
		case <-changed:
		case <-limit:
			return busyWith(other)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func busyWith(name string) error {
	return &Refusal{
		Err:    ErrJoinBusy,
		Reason: name + " is joining the cluster at the moment",
		Remedy: "wait until it is active; if it never started, remove it (recto nodes, recto remove), then repeat the join",
	}
}

// answerJoin makes the answer, with a certificate unless only asked.
func (c *Cluster) answerJoin(q joinRequest, csr *x509.CertificateRequest) (joinAnswer, error) {
	e, _ := c.Get(kindCluster, "ca")
	var ca authority
	if err := json.Unmarshal(e.Value, &ca); err != nil {
		return joinAnswer{}, fmt.Errorf("read authority: %w", err)
	}
	a := joinAnswer{Cluster: c.ClusterID(), CA: ca.Cert, Level: c.Level(), Members: c.Members()}
	for _, m := range a.Members {
		if m.State != Removed && c.up(m.ID) {
			a.Up = append(a.Up, m.ID)
		}
	}
	if q.Check {
		return a, nil
	}
	var err error
	a.Cert, err = ca.sign(q.Member.ID, csr.PublicKey, c.now())
	return a, err
}

// register uses up the token and registers the member, in one entry.
func (c *Cluster) register(ctx context.Context, q joinRequest, key string) error {
	e, t, err := c.findToken(q.Secret)
	if err != nil {
		return err
	}
	m := q.Member
	m.State, m.Since, m.Key = Joining, c.now(), key
	t.Used = fmt.Sprintf("%s (%s)", m.Name, m.ID)
	use, err := putJSON(kindToken, e.Key, t, e.Version)
	if err != nil {
		return err
	}
	member, err := putJSON(kindMember, m.ID, m, 0)
	if err != nil {
		return err
	}
	_, level := c.level()
	_, err = c.Propose(ctx, Command{Op: OpBatch, Fence: c.Epoch(), Batch: []Command{
		use, member, joinedNow(m.ID), {Op: OpCheck, Kind: kindCluster, Key: "level", Expect: level},
	}})
	return err
}

// joinedNow changes the entry by which RaiseLevel sees that somebody came.
func joinedNow(id string) Command {
	return Command{Op: OpPut, Kind: kindCluster, Key: "joined", Value: []byte(id), Expect: AnyVersion}
}
