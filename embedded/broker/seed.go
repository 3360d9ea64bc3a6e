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

// seedMeta writes, before the very first start in dir, the state of a meta group
// whose only member is serverName. NATS itself assumes at least two members and
// would never elect a leader.
//
// The seed says: in term 1 this member led alone, wrote entry 1, and took a
// snapshot of nothing. A group that recovers a snapshot campaigns at once when it
// is its own quorum; with the list of peers alone it waits 4 to 9 seconds first.
// The format is internal to NATS: the test of the first start guards it.
//
// orphans says that streams exist without a meta group; NATS removes them.
func seedMeta(dir, serverName string) (orphans bool, err error) {
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
	for name, content := range seedFiles(serverName) {
		if err := durable.WriteFile(filepath.Join(tmp, name), bytes.NewReader(content)); err != nil {
			return false, err
		}
	}
	if err := os.Rename(tmp, meta); err != nil {
		return false, err
	}
	return len(streams) > 0, durable.OS{}.SyncDir(filepath.Dir(meta))
}

func seedFiles(serverName string) map[string][]byte {
	const term, index = 1, 1
	le := binary.LittleEndian
	id := peerID(serverName)

	peers := le.AppendUint32(nil, 1)   // size of the group
	peers = le.AppendUint32(peers, 1)  // known peers
	peers = append(peers, id...)       //
	peers = le.AppendUint16(peers, 0)  // extension of another domain: undetermined
	vote := le.AppendUint64(nil, term) // last term
	vote = append(vote, id...)         // voted for

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
