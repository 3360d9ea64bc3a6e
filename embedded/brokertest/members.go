// Package brokertest gives tests several brokers in one process: it owns a
// throw-away certificate authority, the list of who is a member and free addresses.
// It is never part of the program.
package brokertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/broker"
)

const (
	routeName = "recto-cluster" // in every certificate, whatever the address
	idPrefix  = "spiffe://recto/node/"
	patience  = 30 * time.Second
)

// Members are brokers that know each other.
type Members struct {
	Logger *slog.Logger // of all brokers; nil: none

	dir  string
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool

	mu      sync.Mutex
	names   []string // in the order in which they came
	alone   map[string]bool
	brokers map[string]*broker.Broker
	routes  map[string]string // by name; kept over restarts
}

// New makes an authority. Brokers are closed and files removed with the test.
func New(t testing.TB) *Members {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	check(t, err)
	ca, err = x509.ParseCertificate(der)
	check(t, err)
	m := &Members{dir: t.TempDir(), ca: ca, key: key, pool: x509.NewCertPool(), brokers: map[string]*broker.Broker{}, routes: map[string]string{}, alone: map[string]bool{}}
	m.pool.AddCert(ca)
	t.Cleanup(m.closeAll)
	return m
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *Members) closeAll() {
	m.mu.Lock()
	brokers := m.brokers
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, b := range brokers {
		wg.Go(func() { b.Close() })
	}
	wg.Wait()
}

// Dir is where the member keeps its files.
func (m *Members) Dir(name string) string { return filepath.Join(m.dir, name) }

// TLS is the configuration of a member's routes.
func (m *Members) TLS(t testing.TB, name string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	id, err := url.Parse(idPrefix + name)
	check(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{routeName}, URIs: []*url.URL{id},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, m.ca, key.Public(), m.key)
	check(t, err)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: routeName, ClientAuth: tls.RequireAndVerifyClientCert,
		RootCAs: m.pool, ClientCAs: m.pool, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
}

// admit lets in whoever is a member now and can be reached from self.
func (m *Members) admit(self string) func(tls.ConnectionState) bool {
	return func(s tls.ConnectionState) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return slices.ContainsFunc(s.PeerCertificates[0].URIs, func(id *url.URL) bool {
			name, ok := strings.CutPrefix(id.String(), idPrefix)
			return ok && slices.Contains(m.names, name) && (name == self || !m.alone[self] && !m.alone[name])
		})
	}
}

// Isolate cuts a member off from all others, at once and without a word, as a kill
// or a cable does.
func (m *Members) Isolate(t testing.TB, name string) {
	t.Helper()
	m.mu.Lock()
	m.alone[name] = true
	m.mu.Unlock()
	m.Tell(t)
}

// Heal ends Isolate.
func (m *Members) Heal(t testing.TB, name string) {
	t.Helper()
	m.mu.Lock()
	delete(m.alone, name)
	m.mu.Unlock()
	m.Tell(t)
}

// Names are the members, in the order in which they came.
func (m *Members) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.names)
}

// Peers are all members but the one called name.
func (m *Members) Peers(name string) []broker.Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []broker.Peer
	for _, n := range m.names {
		if n != name {
			out = append(out, broker.Peer{Name: n, Route: m.routes[n]})
		}
	}
	return out
}

// nextPort is where FreeAddress looks on. It lies below the ports that the system
// gives to who asks for any, so that nobody is given one between a test's asking
// and its using it.
var nextPort atomic.Int32

func init() { nextPort.Store(10000 + mrand.Int32N(15000)) }

// FreeAddress gives an address on loopback whose port is free.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", nextPort.Add(1)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Config is how a member is opened; seed makes it a joiner.
func (m *Members) Config(t testing.TB, name string, seed []string) broker.Config {
	t.Helper()
	m.mu.Lock()
	if m.routes[name] == "" {
		m.routes[name] = FreeAddress(t)
	}
	if !slices.Contains(m.names, name) {
		m.names = append(m.names, name)
	}
	route := m.routes[name]
	m.mu.Unlock()
	return broker.Config{
		Dir: m.Dir(name), ServerName: name, ClusterName: "test", MaxStore: 1 << 30, Logger: m.Logger,
		Route: route, RouteTLS: m.TLS(t, name), Admit: m.admit(name), Peers: m.Peers(name), Seed: seed,
	}
}

// Start opens a member: the first one alone, a later one as a joiner whom the
// others are told about, and one that was there before as what it is.
func (m *Members) Start(t testing.TB, name string) *broker.Broker {
	t.Helper()
	var seed []string
	if names := m.Names(); len(names) > 0 && !slices.Contains(names, name) {
		seed = append(names, name)
	}
	cfg := m.Config(t, name, seed)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b, err := broker.Open(ctx, cfg)
	check(t, err)
	m.mu.Lock()
	m.brokers[name] = b
	m.mu.Unlock()
	m.Tell(t)
	return b
}

// Tell gives every running broker the list of members.
func (m *Members) Tell(t testing.TB) {
	t.Helper()
	for _, name := range m.Names() {
		if b := m.Broker(name); b != nil {
			check(t, b.SetPeers(m.Peers(name)))
		}
	}
}

// Broker is the member's broker, or nil while it is stopped.
func (m *Members) Broker(name string) *broker.Broker {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.brokers[name]
}

// Stop closes a member's broker. It stays a member.
func (m *Members) Stop(t testing.TB, name string) {
	t.Helper()
	m.mu.Lock()
	b := m.brokers[name]
	delete(m.brokers, name)
	m.mu.Unlock()
	check(t, b.Close())
}

// Remove makes name no member any more and tells the others. Its broker goes on.
func (m *Members) Remove(t testing.TB, name string) {
	t.Helper()
	m.mu.Lock()
	m.names = slices.DeleteFunc(m.names, func(n string) bool { return n == name })
	removed := m.brokers[name]
	m.mu.Unlock()
	m.Tell(t)
	if removed != nil {
		t.Cleanup(func() { removed.Close() })
	}
}
