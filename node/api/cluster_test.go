package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// fakeCluster keeps what it was asked for.
type fakeCluster struct {
	mu    sync.Mutex
	view  doc.ClusterView
	asked []string
	err   error // of every change
}

func (f *fakeCluster) View(context.Context) (doc.ClusterView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.view
	v.Members = slices.Clone(v.Members)
	return v, nil
}

func (f *fakeCluster) ask(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakeCluster) Token(_ context.Context, ttl time.Duration, by string) (doc.JoinToken, error) {
	return doc.JoinToken{Token: "rct1.a.b", Command: "recto up --join cellar:8421 --token rct1.a.b"}, f.ask("token %s by %s", ttl, by)
}

func (f *fakeCluster) Drain(_ context.Context, member string, on bool, by string) error {
	return f.ask("drain %s %v by %s", member, on, by)
}

func (f *fakeCluster) Remove(_ context.Context, member string, o RemoveOptions) error {
	return f.ask("remove %s force %v by %s", member, o.Force, o.By)
}

func (f *fakeCluster) Finalise(_ context.Context, by string) error {
	return f.ask("finalise by %s", by)
}

// fakeMember stands somewhere and gets on when told.
type fakeMember struct {
	mu       sync.Mutex
	standing doc.MemberState
	alarms   []doc.Alarm
	at       doc.Position
	moved    chan struct{} // closed and replaced when at changes
	waits    chan struct{} // if set, told of each wait
}

func (f *fakeMember) Standing() doc.MemberState { f.mu.Lock(); defer f.mu.Unlock(); return f.standing }
func (f *fakeMember) Alarms() []doc.Alarm       { f.mu.Lock(); defer f.mu.Unlock(); return f.alarms }
func (f *fakeMember) Position() doc.Position    { f.mu.Lock(); defer f.mu.Unlock(); return f.at }

func (f *fakeMember) move(p doc.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at = p; f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

func (f *fakeMember) Reach(ctx context.Context, p doc.Position) error {
	for {
		f.mu.Lock()
		if f.at.Holds(p) {
			f.mu.Unlock()
			return nil
		}
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved, waits := f.moved, f.waits
		f.mu.Unlock()
		if waits != nil {
			waits <- struct{}{}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moved:
		}
	}
}

// three gives the world a cluster: two members called attic, one of them gone.
func (w *world) three() {
	w.node.cluster.view = doc.ClusterView{
		ID: "c1", Self: "n1", Leader: "n1", Members: []doc.Member{
			{ID: "n1", Name: "cellar", State: doc.MemberActive, Up: true}, {ID: "n2", Name: "attic", State: doc.MemberActive},
			{ID: "n3", Name: "shed", State: doc.MemberActive}, {ID: "n4", Name: "shed", State: doc.MemberActive}, {ID: "n5", Name: "attic", State: doc.MemberRemoved},
			{ID: "n6", Name: "barn", State: doc.MemberRemoved},
		},
		Steps: []doc.ClusterStep{{Text: "attic is away", Done: -1}}, Alarms: []doc.Alarm{{Severity: "critical", Code: "member_down", Text: "look after attic"}},
	}
}

func TestClusterByAPI(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.three()
	a := w.as(auth.Reader, "GET", prefix+"/cluster", "")
	if v := decode[doc.ClusterView](t, a); a.StatusCode != 200 || len(v.Members) != 6 || strings.Contains(a.text, "null") {
		t.Errorf("view: %d %s", a.StatusCode, a.text)
	}
	var plain any
	if err := json.Unmarshal([]byte(a.text), &plain); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.spec.Components.Schemas["ClusterView"].Value.VisitJSON(plain); err != nil {
		t.Errorf("the view is not as it is described: %v", err)
	}
	members := prefix + "/cluster/members/"
	wantStatus(t, "token", w.as(auth.Admin, "POST", prefix+"/cluster/tokens", `{"ttl":"30m"}`), 201)
	if tok := decode[doc.JoinToken](t, w.as(auth.Admin, "POST", prefix+"/cluster/tokens", "")); !strings.Contains(tok.Command, tok.Token) {
		t.Errorf("token %+v", tok)
	}
	wantStatus(t, "drain by name", w.as(auth.Admin, "POST", members+"Attic/drain", `{"on":true}`), 204)
	wantStatus(t, "resume by id", w.as(auth.Admin, "POST", members+"n2/drain", `{"on":false}`), 204)
	wantStatus(t, "remove one of two of that name", w.as(auth.Admin, "DELETE", members+"n4", ""), 202)
	wantStatus(t, "remove with force", w.as(auth.Admin, "DELETE", members+"attic?force=true", ""), 202)
	wantStatus(t, "one that was removed", w.as(auth.Admin, "DELETE", members+"barn", ""), 202)
	wantStatus(t, "finalise", w.as(auth.Admin, "POST", prefix+"/cluster/finalise", ""), 204)
	by := " by key:"
	for i, want := range []string{"token 30m0s", "token 1h0m0s", "drain n2 true", "drain n2 false", "remove n4 force false", "remove n2 force true", "remove n6 force false", "finalise"} {
		if got := w.node.cluster.asked[i]; !strings.HasPrefix(got, want+by) {
			t.Errorf("asked for %q, want %q", got, want)
		}
	}
	asked := len(w.node.cluster.asked)
	for what, f := range map[string]struct {
		a    answer
		code doc.Code
		says string
	}{
		"nobody":       {w.as(auth.Admin, "DELETE", members+"roof", ""), doc.NotFound, "cellar, attic, shed, shed"},
		"two":          {w.as(auth.Admin, "DELETE", members+"shed", ""), doc.Conflict, "n3 or n4"},
		"too long":     {w.as(auth.Admin, "POST", prefix+"/cluster/tokens", `{"ttl":"169h"}`), doc.Invalid, "168h"},
		"no time":      {w.as(auth.Admin, "POST", prefix+"/cluster/tokens", `{"ttl":"soon"}`), doc.Invalid, "30m"},
		"not an admin": {w.as(auth.Operator, "POST", prefix+"/cluster/tokens", ""), doc.Forbidden, "members"},
		"no switch":    {w.as(auth.Admin, "POST", members+"attic/drain", `{}`), doc.Invalid, "on"},
	} {
		if got := f.a.failure(t); got.Code != f.code || !strings.Contains(got.Message, f.says) {
			t.Errorf("%s: %s %q, want %s and %q", what, got.Code, got.Message, f.code, f.says)
		}
	}
	if len(w.node.cluster.asked) != asked {
		t.Errorf("what was refused was asked for: %q", w.node.cluster.asked[asked:])
	}
	w.node.cluster.err = doc.Errorf(doc.Conflict, "start attic first, or give up what only it holds with force")
	if f := w.as(auth.Admin, "DELETE", members+"cellar", "").failure(t); f.Code != doc.Conflict || !strings.Contains(f.Message, "start attic first") {
		t.Errorf("the remedy is lost: %+v", f)
	}
}

func TestClientManagesTheCluster(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.three()
	c := w.client(auth.Admin, client.TLS{})
	ctx := t.Context()
	v, err := c.Cluster(ctx)
	if err != nil || len(v.Members) != 6 || v.Alarms[0].Code != "member_down" {
		t.Errorf("view %+v, %v", v, err)
	}
	if tok, err := c.JoinToken(ctx, 2*time.Hour); err != nil || tok.Token != "rct1.a.b" {
		t.Errorf("token %+v, %v", tok, err)
	}
	for _, err := range []error{c.Drain(ctx, "attic", true), c.Drain(ctx, "attic", false), c.Remove(ctx, "cellar", false), c.Remove(ctx, "attic", true), c.Finalise(ctx)} {
		if err != nil {
			t.Error(err)
		}
	}
	var got []string
	for _, a := range w.node.cluster.asked {
		what, _, _ := strings.Cut(a, " by ")
		got = append(got, what)
	}
	if diff := cmp.Diff([]string{"token 2h0m0s", "drain n2 true", "drain n2 false", "remove n1 force false", "remove n2 force true", "finalise"}, got); diff != "" {
		t.Error(diff)
	}
	if err := c.Remove(ctx, "roof", false); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("nobody: %v", err)
	}
}

// A load balancer is told to send nobody to a member that has no part in the
// work, and everybody else what the member is.
func TestReadinessOfMembers(t *testing.T) {
	t.Parallel()
	w := start(t)
	for standing, want := range map[doc.MemberState]int{
		"": 200, doc.MemberActive: 200, doc.MemberJoining: 200, doc.MemberDraining: 503, doc.MemberLeaving: 503, doc.MemberRemoved: 503,
	} {
		w.node.member.mu.Lock()
		w.node.member.standing = standing
		w.node.member.mu.Unlock()
		a := w.do("GET", "/readyz", nil)
		h := decode[Health](t, a)
		if a.StatusCode != want || (want != 200) != (h.Status == string(standing) && len(h.Missing) == 1) {
			t.Errorf("%q: %d %s", standing, a.StatusCode, a.text)
		}
		if st := decode[NodeStatus](t, w.as(auth.Reader, "GET", prefix+"/status", "")); st.Standing != standing {
			t.Errorf("%q: the status says %q", standing, st.Standing)
		}
		wantStatus(t, "healthz", w.do("GET", "/healthz", nil), http.StatusOK)
	}
}
