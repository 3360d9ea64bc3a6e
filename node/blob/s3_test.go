package blob_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
	"github.com/recto-edge/recto/node/doc"
)

func TestS3(t *testing.T) {
	t.Parallel()
	m := startMinio(t)
	t.Run("conformance", func(t *testing.T) { // its parallel tests end before the server does
		blobtest.Run(t, func(t *testing.T) blob.Store { return prepareS3(t, m.config(t)) })
	})
	t.Run("no prefix", func(t *testing.T) {
		cfg := m.config(t)
		cfg.Prefix = ""
		if err := blob.Check(t.Context(), prepareS3(t, cfg)); err != nil {
			t.Error(err)
		}
	})
	t.Run("prefixes do not meet", func(t *testing.T) {
		a := m.config(t)
		b := a
		b.Prefix = "site-b/"
		one, other := prepareS3(t, a), prepareS3(t, b)
		if err := one.Put(t.Context(), "x", strings.NewReader("a"), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Stat(t.Context(), "x"); doc.CodeOf(err) != doc.NotFound {
			t.Errorf("Stat under another prefix: %v; want not_found", err)
		}
	})
	t.Run("wrong key id", func(t *testing.T) {
		cfg := m.config(t)
		cfg.AccessKey = "nobody"
		wantRefused(t, openS3(t, cfg), cfg, "nobody", "blob.s3.access_key")
	})
	t.Run("wrong secret", func(t *testing.T) {
		cfg := m.config(t)
		cfg.SecretKey = "not-the-secret"
		wantRefused(t, openS3(t, cfg), cfg, minioUser, "blob.s3.secret_key")
	})
	t.Run("missing bucket", func(t *testing.T) {
		cfg := m.config(t)
		cfg.Create = false
		wantRefused(t, openS3(t, cfg), cfg, cfg.Bucket, "is missing")
	})
	t.Run("bucket made once by two", func(t *testing.T) {
		cfg := m.config(t)
		prepareS3(t, cfg)
		cfg.Create = false
		prepareS3(t, cfg)
	})
	t.Run("TLS to a plain server", func(t *testing.T) {
		cfg := m.config(t)
		cfg.PlainHTTP = false
		err := blob.Check(t.Context(), openS3(t, cfg))
		if doc.CodeOf(err) != doc.Unavailable {
			t.Errorf("Check: %v; want unavailable", err)
		}
		wantInText(t, err, cfg.Endpoint, "blob.s3.plain_http")
	})
}

// wantRefused says that s is not ready, says why, and keeps nothing.
func wantRefused(t *testing.T, s *blob.S3, cfg blob.S3Config, parts ...string) {
	t.Helper()
	err := s.Prepare(t.Context())
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Prepare: %v; want unavailable", err)
	}
	err = blob.Check(t.Context(), s)
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Check: %v; want unavailable", err)
	}
	wantInText(t, err, parts...)
	_, _, _, err = s.Ingest(t.Context(), strings.NewReader("bytes"), 0)
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Ingest: %v; want unavailable", err)
	}
	wantEmptyDir(t, cfg.Spool)
}

func TestS3ServerKilledInMidUpload(t *testing.T) {
	t.Parallel()
	m := startMinio(t)
	cfg := m.config(t)
	direct := prepareS3(t, cfg)
	for _, size := range []int{3 << 20, 40 << 20} { // one piece, and in parts
		body := blobtest.Bytes(uint64(size), size)
		proxied := cfg
		proxied.Endpoint = proxy(t, m.addr, int64(size/2), m.kill)
		sum, _, _, err := openS3(t, proxied).Ingest(t.Context(), bytes.NewReader(body), 0)
		if doc.CodeOf(err) != doc.Unavailable {
			t.Fatalf("Ingest of %d bytes into a dying server: %v; want unavailable", size, err)
		}
		wantInText(t, err, "does not answer")
		if err := blob.Check(t.Context(), direct); doc.CodeOf(err) != doc.Unavailable {
			t.Errorf("Check of a dead server: %v; want unavailable", err)
		}
		m.start(t)
		if _, err := direct.Stat(t.Context(), blob.OriginalKey(sum)); doc.CodeOf(err) != doc.NotFound {
			t.Errorf("after the restart: %v; want not_found", err)
		}
		if _, _, existed, err := direct.Ingest(t.Context(), bytes.NewReader(body), 0); err != nil || existed {
			t.Errorf("Ingest again: existed %v, %v", existed, err)
		}
		if err := blob.Verify(t.Context(), direct, blob.OriginalKey(sum)); err != nil {
			t.Error(err)
		}
	}
	wantEmptyDir(t, cfg.Spool)
}

// proxy passes connections on to addr and calls kill once, when limit bytes have
// gone there.
func proxy(t *testing.T, addr string, limit int64, kill func()) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	var mu sync.Mutex
	var once sync.Once
	pass := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("tcp", addr)
		if err != nil {
			return // dead: so is the client's connection
		}
		defer server.Close()
		done := make(chan struct{})
		go func() { // ends with server, which is closed below
			defer close(done)
			_, _ = io.Copy(client, server)
			client.Close()
		}()
		_, _ = io.Copy(io.MultiWriter(server, writerFunc(func(b []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			if limit -= int64(len(b)); limit <= 0 {
				once.Do(kill)
			}
			return len(b), nil
		})), client)
		server.Close()
		<-done
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { pass(c) })
		}
	})
	return l.Addr().String()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestS3Answers maps what servers say, as they say it, to what the operator reads.
func TestS3Answers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		code   string
		want   doc.Code
		text   string
	}{
		"disk full":     {507, "XMinioStorageFull", doc.Full, "no room left"},
		"bucket quota":  {400, "XMinioAdminBucketQuotaExceeded", doc.Full, "no room left"},
		"quota":         {403, "QuotaExceeded", doc.Full, "no room left"},
		"clock":         {403, "RequestTimeTooSkewed", doc.Unavailable, "clocks"},
		"region":        {400, "AuthorizationHeaderMalformed", doc.Unavailable, "blob.s3.region"},
		"policy":        {403, "AccessDenied", doc.Unavailable, "policy"},
		"busy":          {503, "SlowDown", doc.Unavailable, "cannot serve right now (SlowDown)"},
		"disk fills up": {500, "InternalError", doc.Full, "no room left"},
		"unknown":       {418, "Teapot", doc.Internal, "Teapot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, "<Error><Code>"+c.code+"</Code><Message>said the server: cause(no space left on device)</Message></Error>")
			}))
			t.Cleanup(srv.Close)
			s := openS3(t, blob.S3Config{Endpoint: srv.Listener.Addr().String(), Bucket: "bucket", Region: "eu", PathStyle: true,
				AccessKey: minioUser, SecretKey: minioSecret, PlainHTTP: true, Spool: t.TempDir()})
			_, _, _, err := s.Ingest(t.Context(), strings.NewReader("bytes"), 0)
			if doc.CodeOf(err) != c.want {
				t.Errorf("Ingest: %v (%s); want %s", err, doc.CodeOf(err), c.want)
			}
			wantInText(t, err, c.text)
		})
	}
}

func TestS3NobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s := openS3(t, blob.S3Config{Endpoint: addr, Bucket: "bucket", AccessKey: minioUser, SecretKey: minioSecret, PlainHTTP: true, Spool: t.TempDir()})
	err = blob.Check(ctx, s)
	if doc.CodeOf(err) != doc.Unavailable || ctx.Err() != nil {
		t.Errorf("Check: %v; want unavailable within 30 s", err)
	}
	wantInText(t, err, addr, "does not answer")
}

func TestS3BadConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]blob.S3Config{
		"no endpoint":    {Bucket: "b"},
		"no bucket":      {Endpoint: "localhost:9000"},
		"a URL":          {Endpoint: "http://localhost:9000", Bucket: "b"},
		"climbing":       {Endpoint: "localhost:9000", Bucket: "b", Prefix: "../x"},
		"missing CAFile": {Endpoint: "localhost:9000", Bucket: "b", CAFile: "nowhere.pem"},
	} {
		cfg.Spool = t.TempDir()
		if _, err := blob.NewS3(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestS3OverTLS(t *testing.T) {
	t.Parallel()
	bin := minioBinary(t)
	certs, ca := selfMade(t)
	m := launchMinio(t, bin, "--certs-dir", certs)
	cfg := m.config(t)
	cfg.PlainHTTP, cfg.PathStyle, cfg.Region = false, true, "us-east-1"
	err := blob.Check(t.Context(), openS3(t, cfg))
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Check of an unknown certificate: %v; want unavailable", err)
	}
	wantInText(t, err, "not trusted", "blob.s3.ca_file")
	cfg.CAFile = ca
	s := prepareS3(t, cfg)
	if err := blob.Check(t.Context(), s); err != nil {
		t.Error(err)
	}
	for _, size := range []int{1000, 40 << 20} { // with a checksum of the whole, and of parts
		sum, _, _, err := s.Ingest(t.Context(), bytes.NewReader(blobtest.Bytes(9, size)), 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := blob.Verify(t.Context(), s, blob.OriginalKey(sum)); err != nil {
			t.Error(err)
		}
	}
}

// selfMade makes a certificate for 127.0.0.1 that is its own authority: a folder
// as MinIO wants it, and the file to trust.
func selfMade(t *testing.T) (dir, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "recto test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	ca = filepath.Join(dir, "public.crt")
	for path, block := range map[string]*pem.Block{ca: {Type: "CERTIFICATE", Bytes: der}, filepath.Join(dir, "private.key"): {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, ca
}
