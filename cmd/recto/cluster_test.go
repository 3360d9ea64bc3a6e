package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/doc"
)

// members is a cluster in a test: each look at it gives the next view, the last
// one for ever.
type members struct {
	*httptest.Server
	mu    sync.Mutex
	views []doc.ClusterView
	asked []string
}

func startMembers(t *testing.T, views ...doc.ClusterView) *members {
	t.Helper()
	m := &members{views: views}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if r.Method != http.MethodGet {
			m.asked = append(m.asked, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/api/v1/cluster"))
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/tokens"):
			_ = json.NewEncoder(w).Encode(doc.JoinToken{Token: "rct1.a.b", Expires: time.Now().Add(time.Hour), Command: "recto up --join cellar:8421 --token rct1.a.b"})
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusNoContent)
		default:
			_ = json.NewEncoder(w).Encode(m.views[0])
			if len(m.views) > 1 {
				m.views = m.views[1:]
			}
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// recto runs a command and gives its exit code and what it printed.
func (m *members) recto(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(streams{strings.NewReader(""), &o, &e}, append(args, "--url", "http://127.0.0.1:1,"+m.URL, "--key", "rk_x"))
	return code, o.String(), e.String()
}

func three(steps ...doc.ClusterStep) doc.ClusterView {
	return doc.ClusterView{
		ID: "c1", Self: "n1", Leader: "n1", Level: 1, LevelUp: 2, Steps: steps, Goal: "Three copies.", Advice: "Any one may fail.",
		Members: []doc.Member{
			{ID: "n1", Name: "cellar", State: doc.MemberActive, Role: "leader", Up: true, Ready: true, Version: "0.4.0", Workers: 4, Busy: 1, DiskUsed: 25e9, DiskFree: 75e9, LogCopy: true, LogSeq: 9, Peer: "10.0.0.5:8421", ClockSkew: -2},
			{ID: "n2", Name: "attic", State: doc.MemberActive, Role: "voter", SeenAt: time.Now(), LogBehind: 7, Missing: []string{"models"}},
			{ID: "n3", Name: "attic", State: doc.MemberRemoved},
		},
		Log: doc.LogView{Replicas: 2, Want: 3, Works: true}, Copies: doc.CopiesView{Kind: "files", Want: 3, Due: 12},
		Alarms: []doc.Alarm{{Severity: "critical", Code: "member_down", Member: "n2", Text: "switch it on, or remove it"}},
	}
}

func TestNodesShowsAllThatMatters(t *testing.T) {
	t.Parallel()
	code, out, errOut := startMembers(t, three(doc.ClusterStep{Text: "Letting shed in", Done: 0.5})).recto("nodes")
	if code != exitOK || errOut != "" {
		t.Fatalf("%d: %s", code, errOut)
	}
	for _, want := range []string{"cellar *", "25% of 100 GB", "1/4", "whole", "7 behind", "down since", "10.0.0.5:8421", "critical attic: switch it on", "attic is not ready: models", "clock is off by -2.0 s", "2 of 3 copies", "due 12", "1 member removed", "recto upgrade finalise", "Any one may fail.", "Letting shed in (50 %)"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	copying, stuck := doc.ClusterStep{Text: "Copying", Done: 0.1}, doc.ClusterStep{Text: "Copying", Done: -1, Error: "no room on attic"}
	settled := three()
	settled.Members = settled.Members[:1]
	settled.Log, settled.Copies = doc.LogView{Replicas: 3, Want: 3, Works: true}, doc.CopiesView{Kind: "files", Want: 3}
	m := startMembers(t, three(copying), three(stuck), three(), settled)
	if code, out, errOut := m.recto("nodes", "--wait", "--json"); code != exitOK || !strings.Contains(errOut, "no room on attic") || !strings.Contains(errOut, "attic does not answer") || !strings.Contains(out, `"steps":null`) {
		t.Errorf("nodes --wait: %d %s %s", code, out, errOut)
	}
	gone := three()
	gone.Members[1].State = doc.MemberRemoved
	m = startMembers(t, three(), three(copying), gone)
	if code, out, errOut := m.recto("remove", "Attic", "--wait", "--force"); code != exitOK || !strings.Contains(out, "has left") || !strings.Contains(errOut, "Copying") {
		t.Errorf("remove --wait: %d %s %s", code, out, errOut)
	}
	if want := "DELETE /members/n2?force=true"; fmt.Sprint(m.asked) != "["+want+"]" {
		t.Errorf("asked %q, want %q", m.asked, want)
	}
}

func TestTokenDrainUpgrade(t *testing.T) {
	t.Parallel()
	m := startMembers(t, three())
	if code, out, _ := m.recto("token", "create", "--ttl", "30m"); code != exitOK || out != "recto up --join cellar:8421 --token rct1.a.b\n" {
		t.Errorf("token: %d %q", code, out)
	}
	for _, args := range [][]string{{"drain", "attic"}, {"drain", "--undo", "attic"}, {"upgrade", "finalise"}, {"remove", "attic"}} {
		if code, out, errOut := m.recto(args...); code != exitOK || out == "" {
			t.Errorf("%q: %d %s", args, code, errOut)
		}
	}
	want := "[POST /tokens POST /members/attic/drain POST /members/attic/drain POST /finalise DELETE /members/n2]"
	if got := fmt.Sprint(m.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	done := three()
	done.LevelUp = done.Level
	m = startMembers(t, done)
	if code, out, _ := m.recto("upgrade", "finalise"); code != exitOK || !strings.Contains(out, "Nothing waits") || len(m.asked) > 0 {
		t.Errorf("nothing to finalise: %d %s %v", code, out, m.asked)
	}
	for _, args := range [][]string{{"token"}, {"token", "list"}, {"upgrade", "undo"}, {"drain"}, {"remove", "a", "b"}} {
		if code, _, _ := m.recto(args...); code != exitUsage {
			t.Errorf("%q: %d", args, code)
		}
	}
}

func TestRecoverAsksFirst(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	s := streams{strings.NewReader("y\n"), &out, &errOut}
	printPlan(s, node.RecoverPlan{Cluster: "c1", Name: "cellar", Node: "n1", Lost: []string{"attic", "shed"}, LogSeq: 312, Documents: 40, Missing: 2, Warnings: []string{"The users may be older."}})
	for _, want := range []string{"attic, shed", "message 312", "originals of 2", "The users may be older.", "If a majority"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, out.String())
		}
	}
	if ask(s) {
		t.Error("y is taken for yes")
	}
	if !ask(streams{strings.NewReader("yes\n"), &out, &errOut}) || ask(streams{strings.NewReader(""), &out, &errOut}) {
		t.Error("yes is not taken for it, or nothing is")
	}
	if code := run(s, []string{"recover", "--data", filepath.Join(t.TempDir(), "none")}); code == exitOK {
		t.Error("recovered what is not there")
	}
}

func TestUpTakesAMembersFlags(t *testing.T) {
	t.Parallel()
	f := configFlags{data: "d", cluster: node.ClusterConfig{Listen: ":9000", Advertise: "10.0.0.7", Name: "attic", Join: "10.0.0.5:8421", Token: "rct1.a.b"}}
	cfg, err := f.load()
	if err != nil || cfg.Cluster != f.cluster {
		t.Errorf("%+v, %v", cfg.Cluster, err)
	}
	var errOut bytes.Buffer
	if code := run(streams{strings.NewReader(""), &errOut, &errOut}, []string{"up", "--join", "10.0.0.5:8421"}); code != exitFailed || !strings.Contains(errOut.String(), "recto token create") {
		t.Errorf("join without a token: %d %s", code, errOut.String())
	}
}
