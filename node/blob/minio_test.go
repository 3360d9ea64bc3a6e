package blob_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
)

const (
	minioUser   = "recto-test"
	minioSecret = "recto-test-secret"
	patience    = 60 * time.Second // for a server to start; never waited for when it is quick
)

// minio is a MinIO server of a test's own, on loopback.
type minio struct {
	bin, dir, addr string
	flags          []string
	cmd            *exec.Cmd
}

// minioBinary finds the server that "make minio" installs. Where tests must be
// complete (CI) its absence is a failure.
func minioBinary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("RECTO_MINIO")
	if path == "" {
		path = filepath.Join("..", "..", ".cache", "bin", "minio")
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no MinIO server at %s: run \"make minio\", or name one in RECTO_MINIO", path)
		}
		t.Skipf("no MinIO server at %s: run \"make minio\", or name one in RECTO_MINIO", path)
	}
	return path
}

func startMinio(t *testing.T) *minio { return launchMinio(t, minioBinary(t)) }

func launchMinio(t *testing.T, bin string, flags ...string) *minio {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &minio{bin: bin, flags: flags, dir: t.TempDir(), addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	t.Cleanup(m.kill)
	return m
}

// start runs the server and waits until it says that it is ready.
func (m *minio) start(t *testing.T) {
	t.Helper()
	m.cmd = exec.Command(m.bin, append([]string{"server", m.dir, "--address", m.addr, "--quiet"}, m.flags...)...)
	m.cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+minioUser, "MINIO_ROOT_PASSWORD="+minioSecret,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1", "GOMAXPROCS=2", "HOME="+m.dir)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	scheme, client := "http", &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // only asks whether it is up
	defer client.CloseIdleConnections()
	if len(m.flags) > 0 {
		scheme = "https"
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+m.addr+"/minio/health/cluster", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("MinIO is not ready after %s: %v", patience, err)
		}
	}
}

// kill ends the server as a power cut would, and waits until it is gone.
func (m *minio) kill() {
	if m.cmd.ProcessState == nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait() // killed: always an error
	}
}

var buckets atomic.Int64

// config reaches a bucket that no other test uses.
func (m *minio) config(t *testing.T) blob.S3Config {
	return blob.S3Config{
		Endpoint: m.addr, Bucket: fmt.Sprintf("recto-%d", buckets.Add(1)), Prefix: "site-a",
		AccessKey: minioUser, SecretKey: minioSecret, PlainHTTP: true, Create: true,
		Spool: filepath.Join(t.TempDir(), "spool"),
	}
}

func openS3(t *testing.T, cfg blob.S3Config) *blob.S3 {
	t.Helper()
	s, err := blob.NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func prepareS3(t *testing.T, cfg blob.S3Config) *blob.S3 {
	t.Helper()
	s := openS3(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantEmptyDir(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

func wantInText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
	if err != nil && strings.Contains(err.Error(), minioSecret) {
		t.Errorf("error %q tells the secret", err)
	}
}
