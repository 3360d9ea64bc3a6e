package cluster

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Joined is what a join brought.
type Joined struct {
	ClusterID string
	Level     int
	Members   []Member // of the cluster, with this one
}

// Join makes this machine a member of the cluster that the member at addr
// (host:port of its peer port) belongs to. It comes before Open, which then starts
// as a member that is joining; the broker's route port must be free, too: Join
// answers on it so that the others can see whether they reach it. What is wrong
// is answered as a Refusal, and then nothing has changed anywhere. Once the
// cluster may have let the machine in and the answer was lost, a repetition gets
// it again.
//
// On a folder that is a member already it answers ErrMember, with what it joined.
func Join(ctx context.Context, cfg Config, addr, tokenText string) (Joined, error) {
	cfg.fill()
	pin, secret, err := splitToken(tokenText)
	if err != nil {
		return Joined{}, err
	}
	if cfg.Listen == "" {
		return Joined{}, errors.New("join: the address of the peer port is missing")
	}
	db := filepath.Join(cfg.Dir, "raft.db")
	_, err = os.Stat(db)
	made := errors.Is(err, os.ErrNotExist)
	st, err := openDir(cfg.Dir)
	if err != nil {
		return Joined{}, fmt.Errorf("join: %w", err)
	}
	j := &joiner{cfg: cfg, store: st, addr: addr, pin: pin, secret: secret}
	joined, err := j.run(ctx)
	err = errors.Join(err, st.close())
	if err != nil && made && !j.asked {
		err = errors.Join(err, os.Remove(db), syncDir(cfg.Dir))
	}
	switch {
	case err == nil, errors.As(err, new(*Refusal)):
		return joined, err
	default:
		return joined, fmt.Errorf("join: %w", err)
	}
}

// joiner is a join under way.
type joiner struct {
	cfg               Config
	store             *store
	addr, pin, secret string
	bell              *doorbell
	csr               []byte
	id                string
	listen            string   // where the peer port is
	via               net.Addr // of this machine, as the cluster sees it
	trip              time.Duration
	asked             bool // the cluster may have let it in
	keyDER, caSeen    []byte
	http              *http.Client
}

func (j *joiner) run(ctx context.Context) (Joined, error) {
	me, err := j.store.self()
	if err != nil {
		return Joined{}, err
	}
	if joined, err := j.mayStart(me); err != nil {
		return joined, err
	}
	if err := j.prepare(me); err != nil {
		return Joined{}, err
	}
	j.http = &http.Client{Transport: &http.Transport{DialTLSContext: j.dial, DisableCompression: true}}
	defer j.http.CloseIdleConnections()
	if err := j.greet(ctx); err != nil {
		return Joined{}, err
	}
	defer func() {
		if j.bell != nil {
			j.bell.close()
		}
	}()
	if err := j.answerHere(me); err != nil {
		return Joined{}, err
	}
	// What is wrong comes out before anything is written, here or there.
	checked, err := j.ask(ctx, true)
	if err != nil {
		return Joined{}, err
	}
	if err := j.reachAll(ctx, checked); err != nil {
		return Joined{}, err
	}
	return j.enter(ctx)
}

// mayStart says whether the folder may be used for a join.
func (j *joiner) mayStart(me self) (Joined, error) {
	joined := Joined{ClusterID: me.Cluster, Level: LevelClustered, Members: me.Peers}
	term, err := j.store.GetUint64([]byte("CurrentTerm"))
	if err != nil && !errors.Is(err, errNotFound) {
		return Joined{}, err
	}
	const empty = "start with an empty data folder"
	switch {
	case me.Removed != "":
		return joined, &Refusal{Err: ErrRemoved, Reason: me.Removed, Remedy: keptOutRemedy}
	case me.Joined && fingerprint(me.CA) != j.pin:
		return joined, &Refusal{Err: ErrOtherCluster, Reason: "this machine belongs to another cluster than the token", Remedy: "to move it, remove it from its cluster and " + empty}
	case me.Joined:
		return joined, &Refusal{Err: ErrMember, Reason: "this machine is a member of the cluster already", Remedy: "start it without joining"}
	case term > 0:
		return Joined{}, &Refusal{Err: ErrNotEmpty, Reason: "this machine has worked on its own and has data of its own", Remedy: "to join a cluster, " + empty + "; a backup made before can be restored into the cluster"}
	}
	return joined, nil
}

// prepare takes the key and the node ID of an attempt that was broken off, or makes
// new ones.
func (j *joiner) prepare(me self) error {
	id, err := j.store.Get(wordNodeID)
	if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	j.id = cmp.Or(string(id), j.cfg.NodeID, "n"+strings.ToLower(rand.Text()[:12]))
	if !validID(j.id) || (j.cfg.NodeID != "" && j.cfg.NodeID != j.id) {
		return fmt.Errorf("the node ID cannot be %q in the folder of %q", j.cfg.NodeID, j.id)
	}
	key, der, err := newKey()
	if err == nil && len(me.Key) > 0 {
		der = me.Key
		key, err = x509.ParseECPrivateKey(der)
	}
	if err != nil {
		return fmt.Errorf("prepare key: %w", err)
	}
	j.keyDER = der
	if j.csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: j.id}}, key); err != nil {
		return fmt.Errorf("prepare request: %w", err)
	}
	j.bell, err = newDoorbell(key)
	return err
}

// greet measures the way.
func (j *joiner) greet(ctx context.Context) error {
	var g greeting
	for range 2 { // the first time makes the connection
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://member/join", nil)
		if err != nil {
			return err
		}
		sent := time.Now()
		if err := exchange(j.http, req, &g); err != nil {
			return plain(err)
		}
		j.trip = time.Since(sent)
	}
	return nil
}

// plain gives the Refusal within err alone, if there is one: what a library says
// about it is of no use to a person.
func plain(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return err
}

// answerHere begins to answer on the ports that members will look for.
func (j *joiner) answerHere(me self) error {
	host, port, err := net.SplitHostPort(j.cfg.Listen)
	if err != nil {
		return fmt.Errorf("peer port %q: %w", j.cfg.Listen, err)
	}
	if _, kept, err := net.SplitHostPort(me.Listen); err == nil && port == "0" {
		port = kept
	}
	at, err := j.bell.listen(net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("take peer port: %w", err)
	}
	j.listen = at.String()
	if j.cfg.Advertise, err = advertised(j.cfg, at, j.via); err != nil {
		return err
	}
	if _, port, err := net.SplitHostPort(j.cfg.Route); err == nil {
		if _, err := j.bell.listen(net.JoinHostPort(host, port)); err != nil {
			return fmt.Errorf("take the port of the broker's routes: %w", err)
		}
	}
	j.cfg.complete(j.cfg.Advertise)
	return nil
}

// ask sends the request.
func (j *joiner) ask(ctx context.Context, check bool) (joinAnswer, error) {
	q := joinRequest{Secret: j.secret, CSR: j.csr, Trip: j.trip, Check: check, Member: Member{
		ID: j.id, Name: j.cfg.Name, Peer: j.cfg.Advertise, Route: j.cfg.Route, API: j.cfg.API,
		Version: j.cfg.Version, Levels: j.cfg.Levels, Skills: j.cfg.Skills, Workers: j.cfg.Workers,
	}}
	q.Time = j.cfg.Clock().UTC()
	body, err := json.Marshal(q)
	if err != nil {
		return joinAnswer{}, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://member/join", bytes.NewReader(body))
	if err != nil {
		return joinAnswer{}, err
	}
	var a joinAnswer
	if err := exchange(j.http, req, &a); err != nil {
		return a, plain(err)
	}
	if fingerprint(a.CA) != j.pin {
		return a, &Refusal{Err: ErrOtherCluster, Reason: "the answer came from another cluster than the token", Remedy: newToken}
	}
	return a, nil
}

// enter asks for real. The key is on the disk before, so that an answer which is
// lost can be asked for again; the answer is written in one piece.
func (j *joiner) enter(ctx context.Context) (Joined, error) {
	if _, err := j.store.nodeID(j.id); err != nil {
		return Joined{}, err
	}
	if err := j.store.setSelf(func(s *self) { s.Key, s.Listen = j.keyDER, j.listen }); err != nil {
		return Joined{}, err
	}
	j.asked = true
	a, err := j.ask(ctx, false)
	if err != nil {
		j.asked = !errors.As(err, new(*Refusal)) || errors.Is(err, ErrNoQuorum)
		return Joined{}, err
	}
	err = j.store.setSelf(func(s *self) {
		s.Cluster, s.Cert, s.CA, s.Joined, s.Peers = a.Cluster, a.Cert, a.CA, true, a.Members
	})
	if err != nil {
		return Joined{}, err
	}
	return Joined{ClusterID: a.Cluster, Level: a.Level, Members: a.Members}, nil
}
