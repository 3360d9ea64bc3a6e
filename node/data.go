package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// identity is who this node is: made at the first start, kept for ever.
type identity struct {
	Node    string `json:"node"`    // raft server and NATS server name
	Cluster string `json:"cluster"` // cluster id
	Format  int    `json:"format"`  // of the data folder
}

const identityFile = "node.json"

// dataFormat is raised when a start must migrate the folder.
const dataFormat = 1

// lockData makes the data folder if needed and takes its lock, which ends with
// the process: two nodes in one folder would both be right and destroy it.
func lockData(dir string) (unlock func() error, err error) {
	if err := durable.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(doc.Errorf(doc.Conflict, "another node runs in %s: stop it, or give this one another folder with --data", dir), f.Close())
	}
	return f.Close, nil
}

// loadIdentity reads who this node is, or makes it up at the first start.
func loadIdentity(dir string) (identity, error) {
	path := filepath.Join(dir, identityFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id := identity{Node: "n" + strings.ToLower(rand.Text()[:12]), Cluster: "c" + strings.ToLower(rand.Text()[:12]), Format: dataFormat}
		return id, writeJSON(path, id)
	}
	if err != nil {
		return identity{}, fmt.Errorf("node identity: %w", err)
	}
	var id identity
	if err := json.Unmarshal(raw, &id); err != nil || id.Node == "" {
		return identity{}, fmt.Errorf("node identity %s is damaged: restore it from a backup, or start with an empty data folder and restore the backup into it", path)
	}
	if id.Format > dataFormat {
		return identity{}, fmt.Errorf("data folder has format %d, this program knows %d: use a newer recto", id.Format, dataFormat)
	}
	return id, nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return durable.WriteFile(path, bytes.NewReader(append(b, '\n')))
}

// Access is how programs on the node's own machine reach it: whoever may read
// the data folder may use the node.
type Access struct {
	URL  string `json:"url"`
	Key  string `json:"key"`
	Cert string `json:"cert,omitempty"` // SHA-256 of the node's certificate, when it speaks TLS
}

const accessFile = "local.json"

// LocalAccess reads how to reach the node that runs in a data folder.
func LocalAccess(dir string) (Access, error) {
	raw, err := os.ReadFile(filepath.Join(dir, accessFile))
	if err != nil {
		return Access{}, fmt.Errorf("no node has run in %s: start one with recto up, name its folder with --data, or set RECTO_URL and RECTO_KEY", dir)
	}
	var a Access
	if err := json.Unmarshal(raw, &a); err != nil {
		return Access{}, fmt.Errorf("read %s: %w", accessFile, err)
	}
	return a, nil
}

// grantAccess writes the local access file, with a key made once.
func (n *Node) grantAccess(ctx context.Context, url, cert string) error {
	path := filepath.Join(n.cfg.Data, accessFile)
	a, err := LocalAccess(n.cfg.Data)
	if err == nil {
		_, err = n.auth.CheckKey(a.Key)
	}
	if err != nil {
		_, secret, err := n.auth.CreateKey(ctx, "node", "command line of "+n.id.Node, auth.Admin, time.Time{})
		if err != nil {
			return fmt.Errorf("local key: %w", err)
		}
		a.Key = secret
	}
	a.URL, a.Cert = url, cert
	if err := writeJSON(path, a); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}
