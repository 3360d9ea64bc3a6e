package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, says string }{
		{"empty file is the default", "", ""},
		{"all kinds of keys", "listen = \":8420\"\n[limits]\nmax_pages = 10\nfile_timeout = \"1m\"\n[[folder]]\npath = \"/srv/scans\"\nquiet = \"3s\"\n", ""},
		{"misspelt key", "[limits]\nmax_page = 10\n", "unknown key \"limits.max_page\""},
		{"no port", "listen = \"localhost\"\n", "listen:"},
		{"half a certificate", "tls_cert = \"a.pem\"\n", "tls_cert and tls_key:"},
		{"no limit", "[limits]\nmax_bytes = 0\n", "limits:"},
		{"unknown store", "[blob]\nkind = \"tape\"\n", "blob.kind:"},
		{"bucket without a name", "[blob]\nkind = \"s3\"\n[blob.s3]\nendpoint = \"s3:9000\"\n", "blob.s3:"},
		{"folder not absolute", "[[folder]]\npath = \"scans\"\n", "folder.path:"},
		{"folder in the data", "data = \"/var/lib/recto\"\n[[folder]]\npath = \"/var/lib/recto/in\"\n", "folder.path:"},
		{"a member", "[cluster]\nlisten = \":8500\"\nadvertise = \"10.0.0.7\"\nname = \"cellar-1\"\njoin = \"10.0.0.5:8421\"\ntoken = \"rct1.a.b\"\n", ""},
		{"a member behind another port", "[cluster]\nadvertise = \"box.example:18421\"\n", ""},
		{"no room for the second port", "[cluster]\nlisten = \":65535\"\n", "cluster.listen:"},
		{"an address of nobody", "[cluster]\nadvertise = \"0.0.0.0\"\n", "cluster.advertise:"},
		{"join without a token", "[cluster]\njoin = \"a:8421\"\n", "cluster.join and cluster.token:"},
		{"join without a port", "[cluster]\njoin = \"a\"\ntoken = \"x\"\n", "cluster.join:"},
		{"a name in two lines", "[cluster]\nname = \"a\\nb\"\n", "cluster.name:"},
		{"log level", "[log]\nlevel = \"loud\"\n", "log.level:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "recto.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := node.Load(path)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
		})
	}
}

func TestTLSUnlessLoopback(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:1": false, "localhost:1": false, "[::1]:1": false, ":1": true, "0.0.0.0:1": true, "10.0.0.7:1": true,
	} {
		c := node.Default()
		c.Listen = listen
		if got := c.TLS(); got != want {
			t.Errorf("TLS on %s: %v, want %v", listen, got, want)
		}
	}
}
