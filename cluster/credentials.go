package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// The protocols of the peer port.
const (
	protoRaft = "recto-raft/1"
	protoHTTP = "http/1.1"
)

// errNoCertificate is what a member answers that has not been certified yet.
var errNoCertificate = errors.New("this member has no certificate yet")

// credentials are this member's key and certificate, and the rules by which it
// lets others in.
type credentials struct {
	clock  func() time.Time
	member func(id string) (Member, bool)

	key *ecdsa.PrivateKey

	mu   sync.RWMutex
	cert *tls.Certificate // leaf and authority
	pool *x509.CertPool
	ca   *x509.Certificate
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	return key, der, nil
}

// set takes a certificate into use: connections made from now on show it.
func (c *credentials) set(cert, ca []byte) error {
	leaf, err := x509.ParseCertificate(cert)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	root, err := x509.ParseCertificate(ca)
	if err != nil {
		return fmt.Errorf("read certificate of the authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cert = &tls.Certificate{Certificate: [][]byte{cert, ca}, PrivateKey: c.key, Leaf: leaf}
	c.pool, c.ca = pool, root
	return nil
}

func (c *credentials) current() (*tls.Certificate, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.cert == nil {
		return nil, errNoCertificate
	}
	return c.cert, nil
}

// public names this member's key.
func (c *credentials) public() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(c.key.Public())
	if err != nil {
		return "", fmt.Errorf("name key: %w", err)
	}
	return fingerprint(der), nil
}

// base is what all TLS configurations share.
func (c *credentials) base() (*tls.Config, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.pool == nil {
		return nil, errNoCertificate
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: serverName, Time: c.clock,
		RootCAs: c.pool, ClientCAs: c.pool, SessionTicketsDisabled: true,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.current() },
	}, nil
}

// client gives the configuration for a connection to the member id, and to no
// other.
func (c *credentials) client(id, proto string) (*tls.Config, error) {
	cfg, err := c.base()
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = []string{proto}
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		got, ok := c.admit(cs)
		if !ok || got != id {
			return fmt.Errorf("%q answers in place of %q", got, id)
		}
		return nil
	}
	return cfg, nil
}

// server gives the configuration of the peer port. Without a certificate one gets
// as far as HTTP, where only the way into the cluster is open; so does a member
// that was removed, to be told.
func (c *credentials) server() (*tls.Config, error) {
	cfg, err := c.base()
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = []string{protoRaft, protoHTTP}
	cfg.ClientAuth = tls.VerifyClientCertIfGiven
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		switch cs.NegotiatedProtocol {
		case protoHTTP:
			return nil
		case protoRaft:
			if id, ok := c.admit(cs); !ok {
				return fmt.Errorf("%q is no member", id)
			}
			return nil
		}
		return errors.New("unknown protocol")
	}
	return cfg, nil
}

// admit says whose connection it is, and whether that is a member which may be
// talked to, with the key that is registered. The chain was verified by TLS.
func (c *credentials) admit(cs tls.ConnectionState) (id string, ok bool) {
	if len(cs.VerifiedChains) == 0 {
		return "", false
	}
	id, err := idOf(cs.PeerCertificates[0])
	if err != nil {
		return "", false
	}
	m, known := c.member(id)
	return id, known && m.State != Removed && m.Key == keyOf(cs.PeerCertificates[0])
}
