package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/recto-edge/recto/node/doc"
)

func TestLive_SlowWatcherSeesTheLastRevision(t *testing.T) {
	t.Parallel()
	l := newLive()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ch := l.subscribe(ctx, "")
	const last = 2000
	for i := range last {
		l.publish(doc.Event{ID: "a", Revision: uint64(i + 1)})
		l.publish(doc.Event{ID: "a", Revision: uint64(i + 1), Stage: "ocr"}) // progress never hides a revision
	}
	var seen uint64
	for e := range ch {
		if e.Revision < seen {
			t.Fatalf("revision %d after %d", e.Revision, seen)
		}
		if seen = e.Revision; seen == last {
			break
		}
	}
	cancel()
	for range ch { // closed when the subscriber's context ends
	}
}

func TestLive_OneDocumentOnly(t *testing.T) {
	t.Parallel()
	l := newLive()
	ch := l.subscribe(t.Context(), "b")
	l.publish(doc.Event{ID: "a", Revision: 1})
	l.publish(doc.Event{ID: "b", Revision: 7})
	if e := <-ch; e.ID != "b" || e.Revision != 7 {
		t.Errorf("got %+v", e)
	}
}

func TestParts_NameWhatIsMissing(t *testing.T) {
	t.Parallel()
	p := newParts("broker", "index")
	if got := p.missing(); len(got) != 2 {
		t.Errorf("missing %v, want both", got)
	}
	if !p.set("broker", partOK, "") || p.set("broker", partOK, "") {
		t.Error("set says a change where there is none, or none where there is one")
	}
	p.check("index", doc.Errorf(doc.Unavailable, "no answer"))
	if got := strings.Join(p.missing(), "; "); got != "index: down: no answer" {
		t.Errorf("missing %q", got)
	}
	p.set("index", partBehind, "by two")
	if got := p.missing(); len(got) != 0 {
		t.Errorf("missing %v, and what is behind works", got)
	}
	if got, yes := p.behind("index"); got != "by two" || !yes {
		t.Errorf("behind: %q, %v", got, yes)
	}
}

// A part that hangs on its way out does not keep the process: it is named, and what it
// hangs in is written down.
func TestStopOrLeave(t *testing.T) {
	t.Parallel()
	n := &Node{}
	n.onStop("broker", func(context.Context) error { select {} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stacks strings.Builder
	err := n.stopOrLeave(ctx, &stacks)
	if err == nil || !strings.Contains(err.Error(), "broker cannot be stopped") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(stacks.String(), "TestStopOrLeave") {
		t.Errorf("what it hangs in is not written:\n%s", stacks.String())
	}
}

// A broker that hangs while it is started again ends the process; one that only fails does not.
func TestOrHopeless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &Node{hopeless: make(chan error, 1)}
		failed := errors.New("no room")
		if err := n.orHopeless(func() error { return failed }); !errors.Is(err, failed) || len(n.hopeless) > 0 {
			t.Errorf("a failure: got %v, %d reasons to end", err, len(n.hopeless))
		}
		release := make(chan struct{})
		defer close(release)
		for range 2 { // nobody listens any more when it happens twice
			if err := n.orHopeless(func() error { <-release; return nil }); err == nil || len(n.hopeless) != 1 {
				t.Errorf("a hang: got %v, %d reasons to end, want 1", err, len(n.hopeless))
			}
		}
	})
}
