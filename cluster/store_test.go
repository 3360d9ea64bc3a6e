package cluster

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func TestStoreKeepsTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	edges := func(wantFirst, wantLast uint64) {
		t.Helper()
		first, err := s.FirstIndex()
		if err != nil {
			t.Fatal(err)
		}
		last, err := s.LastIndex()
		if err != nil {
			t.Fatal(err)
		}
		if first != wantFirst || last != wantLast {
			t.Fatalf("log from %d to %d, want %d to %d", first, last, wantFirst, wantLast)
		}
	}
	edges(0, 0)
	var logs []*raft.Log
	for i := uint64(1); i <= 600; i++ { // more than one page of keys, past one byte
		logs = append(logs, &raft.Log{Index: i, Term: i / 100, Type: raft.LogCommand, Data: []byte{byte(i)}, Extensions: []byte("x")})
	}
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
	edges(1, 600)
	if err := s.DeleteRange(1, 300); err != nil {
		t.Fatal(err)
	}
	edges(301, 600)
	if err := s.DeleteRange(550, 600); err != nil {
		t.Fatal(err)
	}
	edges(301, 549)
	if err := s.SetUint64([]byte("term"), 7); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if s, err = openStore(path); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	edges(301, 549)
	for _, i := range []uint64{301, 450, 549} {
		var got raft.Log
		if err := s.GetLog(i, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*logs[i-1], got); diff != "" {
			t.Fatalf("entry %d:\n%s", i, diff)
		}
	}
	if err := s.GetLog(300, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("got %v, want ErrLogNotFound", err)
	}
	if v, err := s.GetUint64([]byte("term")); err != nil || v != 7 {
		t.Fatalf("got %d, %v", v, err)
	}
	if _, err := s.GetUint64([]byte("other")); err == nil || err.Error() != "not found" {
		t.Fatalf("got %v; raft needs the text \"not found\"", err)
	}
}
