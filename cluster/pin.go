package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// dial connects to the member that was named, and makes sure that it belongs to
// the cluster of the token before anything is said.
func (j *joiner) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := j.cfg.Dial(ctx, "tcp", j.addr)
	if err != nil {
		return nil, &Refusal{Err: ErrUnreachable, Reason: fmt.Sprintf("no member answers at %s: %v", j.addr, err), Remedy: "check the address (host and peer port of a member that runs) and the firewall between"}
	}
	j.via = raw.LocalAddr()
	c := tls.Client(raw, j.pinned(""))
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		if errors.Is(err, ErrOtherCluster) {
			return nil, err
		}
		return nil, &Refusal{Err: ErrUnreachable, Reason: fmt.Sprintf("what answers at %s is no member's peer port: %v", j.addr, err), Remedy: "give the host and the peer port of a member that runs"}
	}
	return c, nil
}

// pinned gives a configuration that accepts members of the cluster of the token
// alone; of these, only id, if one is given. The authority is what counts, not the
// dates: this machine's clock may be wrong, and that is looked at later.
func (j *joiner) pinned(id string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: serverName, NextProtos: []string{protoHTTP},
		InsecureSkipVerify: true, // replaced by the check against the pin
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf := cs.PeerCertificates[0]
			for _, ca := range cs.PeerCertificates[1:] {
				if fingerprint(ca.Raw) != j.pin {
					continue
				}
				roots := x509.NewCertPool()
				roots.AddCert(ca)
				if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: serverName, CurrentTime: leaf.NotAfter.Add(-time.Minute)}); err != nil {
					return err
				}
				if got, err := idOf(leaf); err != nil || (id != "" && got != id) {
					return fmt.Errorf("%q answers in place of %q", got, id)
				}
				return nil
			}
			return &Refusal{Err: ErrOtherCluster, Reason: "the machine at " + j.addr + " belongs to another cluster than the token", Remedy: "give the address of a member of the cluster that made the token, or a token of that machine's cluster"}
		},
	}
}

// reachAll makes sure that this machine reaches the members that are up.
func (j *joiner) reachAll(ctx context.Context, a joinAnswer) error {
	for _, m := range a.Members {
		if m.ID == j.id || !slices.Contains(a.Up, m.ID) {
			continue
		}
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, handshakeTime)
			defer cancel()
			raw, err := j.cfg.Dial(ctx, "tcp", m.Peer)
			if err != nil {
				return err
			}
			defer raw.Close()
			return tls.Client(raw, j.pinned(m.ID)).HandshakeContext(ctx)
		}()
		if err != nil {
			return &Refusal{
				Err:    ErrUnreachable,
				Reason: fmt.Sprintf("this machine cannot reach %s at %s: %v", m.Name, m.Peer, err),
				Remedy: "open the firewall between them, or set the advertise address of " + m.Name + " to one that all reach, then repeat the join",
			}
		}
	}
	return nil
}
