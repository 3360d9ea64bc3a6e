package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/recto-edge/recto/node/auth"
)

// trusting makes w's client trust the PEM file.
func (w *world) trusting(file string) {
	w.t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	w.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
}

// onEverything listens where TLS is needed, though only loopback is used.
func onEverything(dir string) func(*Config) {
	return func(c *Config) { c.Addr, c.CertDir = "0.0.0.0:0", dir }
}

func TestSelfMadeCertificate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	w := start(t, onEverything(dir))
	if !strings.HasPrefix(w.url, "https://localhost:") {
		t.Fatalf("url %s", w.url)
	}
	w.trusting(filepath.Join(dir, CertName))
	a := w.send("POST", "/api/v1/login", `{"name":"anna","password":"`+goodPassword+`"}`, withHeader("Sec-Fetch-Site", fromPage))
	wantStatus(t, "login", a, 200)
	c := sessionCookie(t, a)
	if c.Name != "__Host-recto" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie over TLS: %+v", c)
	}
	wantStatus(t, "with it", w.send("GET", docs, "", withCookie(c)), 200)
	if a.Header.Get("Strict-Transport-Security") != "" {
		t.Error("a self-made certificate locks browsers in")
	}
	leaf := a.TLS.PeerCertificates[0]
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{CertName, KeyName} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	again, err := openCertificates(w.srv.cfg, "0.0.0.0")
	if err != nil || again.fingerprint() != w.srv.Fingerprint() || !again.cert.Leaf.Equal(leaf) {
		t.Errorf("a restart makes another certificate: %v", err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, onEverything(t.TempDir()))
	addr := strings.TrimPrefix(w.url, "https://")
	if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestSelfMadeCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	c, err := openCertificates(Config{Addr: "10.1.2.3:1", CertDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, "10.1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	first, print := c.current().Leaf, c.fingerprint()
	if err := first.VerifyHostname("10.1.2.3"); err != nil {
		t.Error(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	now = first.NotAfter.Add(-renewBefore - time.Hour)
	if !c.current().Leaf.Equal(first) {
		t.Error("renewed too early")
	}
	now = now.Add(2 * time.Hour)
	second := c.current().Leaf
	if second.Equal(first) || second.NotAfter.Before(first.NotAfter.AddDate(0, 11, 0)) {
		t.Errorf("not renewed: ends %v, now is %v", second.NotAfter, now)
	}
	if c.fingerprint() != print {
		t.Error("renewing changes the key that clients pinned")
	}
}

// siteCertificate writes a certificate for localhost with the given name.
func siteCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "site.crt"), filepath.Join(dir, "site.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestSiteCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := siteCertificate(t, dir, "first")
	w := start(t, func(c *Config) { c.CertFile, c.KeyFile = cert, key }) // TLS on loopback, because asked for
	w.trusting(cert)
	a := w.do("GET", "/healthz", nil)
	if a.TLS.PeerCertificates[0].Subject.CommonName != "first" || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("certificate %v, headers %v", a.TLS.PeerCertificates[0].Subject, a.Header)
	}
	certs := w.srv.certs
	look := func() string {
		certs.mu.Lock()
		certs.checked = time.Time{}
		certs.mu.Unlock()
		return certs.current().Leaf.Subject.CommonName
	}
	if err := os.WriteFile(cert, []byte("half a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != "first" {
		t.Errorf("a broken file replaces the certificate: %q", got)
	}
	siteCertificate(t, dir, "second")
	later := time.Now().Add(time.Minute)
	for _, f := range []string{cert, key} { // as if written a while after
		if err := os.Chtimes(f, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := look(); got != "second" {
		t.Errorf("the new certificate is not used: %q", got)
	}
}

func TestNoCertificateNoServer(t *testing.T) {
	t.Parallel()
	w := start(t)
	for what, cfg := range map[string]Config{
		"missing files": {Addr: "127.0.0.1:0", CertFile: "/nowhere.crt", KeyFile: "/nowhere.key"},
		"no folder":     {Addr: "0.0.0.0:0"},
		"no port":       {Addr: "localhost"},
	} {
		s, err := New(cfg, w.auth, w.node.ports())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(); err == nil {
			t.Errorf("%s: listens", what)
			_ = s.Shutdown(context.Background())
		}
	}
	s, err := New(Config{Addr: "0.0.0.0:0", PlainHTTP: true}, w.auth, w.node.ports())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil || !strings.HasPrefix(s.URL(), "http://localhost:") || s.Fingerprint() != "" {
		t.Errorf("plain HTTP asked for: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	w := start(t)
	files := fstest.MapFS{"a/style.css": {Data: []byte("body{}")}, "x.bin": {Data: []byte{1}}}
	w.srv.register(route{method: "GET", path: "/assets/*", perm: auth.Public, handler: w.srv.static(files)})
	a := w.do("GET", "/assets/a/style.css", nil)
	if a.StatusCode != 200 || a.text != "body{}" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") || !strings.Contains(a.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("static: %d %q %v", a.StatusCode, a.text, a.Header)
	}
	wantStatus(t, "again", w.do("GET", "/assets/a/style.css", nil, withHeader("If-None-Match", a.Header.Get("ETag"))), 304)
	for _, path := range []string{"a", "", "../a/style.css", "..%2fa%2fstyle.css", "a/../../x", "%2fetc%2fpasswd", "none.css", "a%00"} {
		wantStatus(t, path, w.do("GET", "/assets/"+path, nil), 404)
	}
}
