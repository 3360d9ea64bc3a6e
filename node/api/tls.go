package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
)

const (
	selfMadeLife = 397 * 24 * time.Hour // what browsers accept at most
	renewBefore  = 30 * 24 * time.Hour
	lookAgain    = 10 * time.Second // how often the files are checked for change
)

// The names of the self-made certificate and key in Config.CertDir.
const (
	CertName = "cert.pem"
	KeyName  = "key.pem"
)

// certificates holds the certificate in use and replaces it when its files
// change or, for a self-made one, before it expires.
type certificates struct {
	certFile, keyFile string
	self              bool // made by the node
	host              string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	cert    *tls.Certificate
	stamp   [2]time.Time // modification times of what cert was read from
	checked time.Time
}

// openCertificates loads the site's certificate, or the node's own, which it
// makes when there is none.
func openCertificates(cfg Config, host string) (*certificates, error) {
	c := &certificates{certFile: cfg.CertFile, keyFile: cfg.KeyFile, host: host, log: cfg.Logger, now: time.Now}
	if c.certFile == "" {
		if cfg.CertDir == "" {
			return nil, fmt.Errorf("listen on %s: needs a certificate, a folder to make one in, or plain HTTP asked for", cfg.Addr)
		}
		if err := durable.MkdirAll(cfg.CertDir); err != nil {
			return nil, fmt.Errorf("make certificate folder: %w", err)
		}
		c.self = true
		c.certFile, c.keyFile = filepath.Join(cfg.CertDir, CertName), filepath.Join(cfg.CertDir, KeyName)
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// config is what listeners speak: TLS 1.2 at least. fasthttp has no HTTP/2.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// current gives the certificate to use now. A replacement that cannot be used is
// logged and the old certificate stays.
func (c *certificates) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.checked) < lookAgain {
		return c.cert
	}
	c.checked = now
	if c.stamp != c.stamps() || (c.self && c.stale(c.cert)) {
		if err := c.load(); err != nil {
			c.log.Error("certificate not replaced, the old one stays", slog.String("error", err.Error()))
			c.stamp = c.stamps() // one log line a change
		}
	}
	return c.cert
}

func (c *certificates) stamps() (out [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if st, err := os.Stat(name); err == nil {
			out[i] = st.ModTime()
		}
	}
	return out
}

// load reads the files; a self-made certificate that is missing or about to
// expire is made anew first.
func (c *certificates) load() error {
	stamp := c.stamps()
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if c.self && (err != nil || c.stale(&cert)) {
		if err := c.make(); err != nil {
			return fmt.Errorf("make certificate: %w", err)
		}
		stamp = c.stamps()
		cert, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		return fmt.Errorf("load certificate %s: %w", c.certFile, err)
	}
	c.cert, c.stamp, c.checked = &cert, stamp, c.now()
	return nil
}

// stale says whether a self-made certificate is to be renewed.
func (c *certificates) stale(cert *tls.Certificate) bool {
	leaf := cert.Leaf
	if leaf == nil || c.now().Add(renewBefore).After(leaf.NotAfter) {
		return true
	}
	for _, name := range c.names() {
		if leaf.VerifyHostname(name) != nil {
			return true
		}
	}
	return false
}

// names are those by which this node must be reachable: what it was told to
// listen on, and the machine's name.
func (c *certificates) names() []string {
	names := []string{"localhost"}
	if h, err := os.Hostname(); err == nil && h != "" {
		names = append(names, h)
	}
	if ip := net.ParseIP(c.host); c.host != "" && (ip == nil || !ip.IsUnspecified()) {
		names = append(names, c.host)
	}
	return names
}

// make writes a new certificate. The key stays if there is one, so that clients
// that pinned it go on.
func (c *certificates) make() error {
	key, err := c.key()
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("make serial number: %w", err)
	}
	now := c.now()
	names := c.names()
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[len(names)-1], Organization: []string{"Recto, self-made"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfMadeLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	tmpl.IPAddresses = append(tmpl.IPAddresses, ownAddresses()...)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return writePEM(c.certFile, "CERTIFICATE", der)
}

func ownAddresses() (out []net.IP) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // a convenience: the names still work
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP)
		}
	}
	return out
}

// key reads the private key, or makes and stores one.
func (c *certificates) key() (*ecdsa.PrivateKey, error) {
	if raw, err := os.ReadFile(c.keyFile); err == nil {
		if block, _ := pem.Decode(raw); block != nil {
			if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				if key, ok := k.(*ecdsa.PrivateKey); ok {
					return key, nil
				}
			}
		}
		c.log.Warn("the self-made key is damaged: making a new one")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return key, writePEM(c.keyFile, "PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	raw := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := durable.WriteFile(path, bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func (c *certificates) fingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256(c.cert.Leaf.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}
