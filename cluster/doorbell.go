package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"
)

// doorbell answers on the ports of a machine that is joining, so that members can
// see whether they reach it: it shows the machine's key and does nothing else.
type doorbell struct {
	config    *tls.Config
	listeners []net.Listener
	ctx       context.Context
	cancel    context.CancelFunc
	owned     sync.WaitGroup
}

func newDoorbell(key *ecdsa.PrivateKey) (*doorbell, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), // nobody looks: the key is what is compared
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	d := &doorbell{config: &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protoHTTP}, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
	}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d, nil
}

// listen answers on an address from now on, and says which it is.
func (d *doorbell) listen(addr string) (net.Addr, error) {
	l, err := (&net.ListenConfig{}).Listen(d.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d.listeners = append(d.listeners, l)
	d.owned.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				d.owned.Go(func() { d.answer(c) })
			} else if d.ctx.Err() != nil {
				return
			}
		}
	})
	return l.Addr(), nil
}

// answer shows the key to one caller, until he hangs up.
func (d *doorbell) answer(raw net.Conn) {
	ctx, stop := context.WithTimeout(d.ctx, 2*handshakeTime)
	defer stop()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	c := tls.Server(raw, d.config)
	defer c.Close()
	if c.HandshakeContext(ctx) == nil {
		_, _ = c.Read(make([]byte, 1)) // nothing is said here
	}
}

// close gives the ports back and waits.
func (d *doorbell) close() {
	d.cancel()
	for _, l := range d.listeners {
		l.Close()
	}
	d.owned.Wait()
}

// tryAddress connects to an address and makes sure that the key with that name is
// there.
func (cfg Config) tryAddress(ctx context.Context, addr, key string) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer raw.Close()
	c := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protoHTTP},
		InsecureSkipVerify: true, // replaced by the comparison of the key
		VerifyConnection: func(cs tls.ConnectionState) error {
			if keyOf(cs.PeerCertificates[0]) != key {
				return errors.New("something else answers there")
			}
			return nil
		},
	})
	return c.HandshakeContext(ctx)
}

// reachable makes sure that the leader and every member that is up reach the ports
// of the machine, where it shows the key of its request.
func (c *Cluster) reachable(ctx context.Context, m Member, key string) error {
	q := reachRequest{Key: key, Addrs: []string{m.Peer}}
	if m.Route != "" {
		q.Addrs = append(q.Addrs, m.Route)
	}
	for _, from := range c.Members() {
		if from.State == Removed || !c.up(from.ID) {
			continue
		}
		var a reachAnswer
		var err error
		if from.ID == c.id {
			a, err = c.reach(ctx, q)
		} else {
			err = c.call(ctx, from.ID, "/cluster/reach", q, &a)
		}
		if err != nil {
			c.log.Warn("ask a member whether it reaches a new one", "member", from.Name, "error", err)
			c.contacts.lost(from.ID) // it went away just now: the new one need not reach it either
			continue
		}
		if len(a.Failed) > 0 {
			return &Refusal{
				Err:    ErrUnreachable,
				Reason: fmt.Sprintf("%s cannot reach %s: %s", from.Name, m.Name, strings.Join(a.Failed, "; ")),
				Remedy: "let its peer port and the port after it through the firewall, or set its advertise address to one that all members reach, then repeat the join",
			}
		}
	}
	return nil
}

type reachRequest struct {
	Addrs []string `json:"addrs"`
	Key   string   `json:"key"` // that must be shown there
}

type reachAnswer struct {
	Failed []string `json:"failed"` // address and why
}

// reach tries addresses of a machine that is not a member yet.
func (c *Cluster) reach(ctx context.Context, q reachRequest) (reachAnswer, error) {
	a := reachAnswer{}
	for _, addr := range q.Addrs {
		if err := c.cfg.tryAddress(ctx, addr, q.Key); err != nil {
			a.Failed = append(a.Failed, fmt.Sprintf("%s: %v", addr, err))
		}
	}
	return a, nil
}
