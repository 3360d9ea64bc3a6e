package broker

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"

	"github.com/recto-edge/recto/embedded/durable"
)

// Where JetStream keeps the Raft group that decides about streams.
const metaGroup = "_meta_"

func metaDir(dir string) string {
	return filepath.Join(dir, "jetstream", "$SYS", "_js_", metaGroup)
}

// seedMeta writes, before the very first start in dir, the state of the meta group:
// of one whose only member is serverName, or, for a joiner, of the one that members
// form. NATS itself assumes at least two members and would never elect a leader
// alone; and joiners that find each other before the cluster would form their own.
// The format is internal to NATS: the tests of the first start guard it.
//
// orphans says that streams exist without a meta group; NATS removes them.
func seedMeta(dir, serverName string, members []string) (orphans bool, err error) {
	meta := metaDir(dir)
	if _, err := os.Stat(meta); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	streams, err := filepath.Glob(filepath.Join(dir, "jetstream", account, "streams", "*"))
	if err != nil {
		return false, err
	}
	tmp := meta + "seed" // renamed when complete, so that a crash leaves nothing half
	if err := os.RemoveAll(tmp); err != nil {
		return false, err
	}
	if err := durable.MkdirAll(filepath.Join(tmp, "snapshots")); err != nil {
		return false, err
	}
	files := loneSeed(serverName)
	if len(members) > 0 {
		files = joinerSeed(members)
	}
	for name, content := range files {
		if err := durable.WriteFile(filepath.Join(tmp, name), bytes.NewReader(content)); err != nil {
			return false, err
		}
	}
	if err := os.Rename(tmp, meta); err != nil {
		return false, err
	}
	return len(streams) > 0, durable.OS{}.SyncDir(filepath.Dir(meta))
}

// loneSeed says: in term 1 this member led alone, wrote entry 1, and took a
// snapshot of nothing. A group that recovers a snapshot campaigns at once when it
// is its own quorum; with the list of peers alone it waits 4 to 9 seconds first.
func loneSeed(serverName string) map[string][]byte {
	const term, index = 1, 1
	le := binary.LittleEndian
	peers := peerState(1, serverName)
	vote := le.AppendUint64(nil, term)         // last term
	vote = append(vote, peerID(serverName)...) // voted for

	snap := le.AppendUint64(nil, term)
	snap = le.AppendUint64(snap, index)
	snap = le.AppendUint32(snap, uint32(len(peers)))
	snap = append(snap, peers...)
	key := sha256.Sum256([]byte(metaGroup))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic("broker: " + err.Error()) // only for a key of another length
	}
	_, _ = h.Write(snap) // a hash does not fail
	snap = h.Sum(snap)

	return map[string][]byte{
		"peers.idx": peers,
		"tav.idx":   vote,
		filepath.Join("snapshots", fmt.Sprintf("snap.%d.%d", term, index)): snap,
	}
}

// unreachable is the size of the group a joiner believes in until the leader tells
// it better: no number of joiners is a majority of it, and none of them can be
// elected, whoever else they meet.
const unreachable = 1 << 16

func joinerSeed(members []string) map[string][]byte {
	return map[string][]byte{"peers.idx": peerState(unreachable, members...)}
}

// peerState is how NATS writes down who is in a Raft group.
func peerState(size uint32, names ...string) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, size)
	out = le.AppendUint32(out, uint32(len(names))) // known peers
	for _, name := range names {
		out = append(out, peerID(name)...)
	}
	return le.AppendUint16(out, 0) // extension of another domain: undetermined
}

// grouped says whether the meta group in dir has other members, be they lost for
// good: it elects nobody before one of them, or an administrator, helps.
func grouped(dir string) bool {
	peers, err := os.ReadFile(filepath.Join(metaDir(dir), "peers.idx"))
	return err == nil && len(peers) >= 4 && binary.LittleEndian.Uint32(peers) > 1
}

// putAside moves JetStream's files out of dir, into a folder beside it, and gives
// its name.
func putAside(dir string) (string, error) {
	aside, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".aside-*")
	if err != nil {
		return "", err
	}
	err = os.Rename(filepath.Join(dir, "jetstream"), filepath.Join(aside, "jetstream"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return aside, err
	}
	return aside, errors.Join(durable.OS{}.SyncDir(dir), durable.OS{}.SyncDir(filepath.Dir(dir)))
}

// peerID is how NATS names a server in a Raft group: eight characters made from
// the SHA-256 of its name.
func peerID(serverName string) []byte {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(serverName))
	id := make([]byte, 8)
	for i := range id {
		id[i] = digits[int(sum[i])%len(digits)]
	}
	return id
}
