package ui_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/recto-edge/recto/node/doc"
)

func (s *site) wants(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q, want %q", s.asked, want)
	}
	s.asked = nil
}

// The page follows the cluster by itself, and an alarm shows on every page.
func TestClusterIsLive(t *testing.T) {
	s, b := signedIn(t)
	b.open("/cluster")
	b.until("one machine, room for two", `document.querySelectorAll('.member').length === 1 && document.querySelectorAll('.picture-box[data-mood=none]').length === 2`)
	b.until("says how to grow", `document.querySelector('[data-live=picture]').textContent.includes('With three, any one may fail')`)
	if eval[bool](b, `!!document.querySelector('[href$="/remove"], [action$="/drain"]')`) {
		t.Error("the only machine can be removed")
	}
	b.do("mark this page", chromedp.Evaluate[chromedp.Void](`void (window.same = true)`))
	s.change(func(v *doc.ClusterView) {
		joining := machine("n2", "attic")
		joining.State, joining.Role = doc.MemberJoining, "standby"
		v.Members, v.Steps = append(v.Members, joining), []doc.ClusterStep{{Text: "Letting attic in", Done: 0.25}}
	})
	b.until("the new machine shows up", `window.same && document.querySelectorAll('.member').length === 2 && document.querySelector('.step progress').value === 25`)
	s.change(func(v *doc.ClusterView) { v.Steps[0].Done = 0.75 })
	b.until("it gets on", `document.querySelector('.step progress').value === 75`)
	s.change(func(v *doc.ClusterView) { *v = troubled(3) })
	b.until("alarms stand on top, the worst first", `document.querySelector('.alarms .notice.bad p')?.textContent.includes('attic has not answered') && document.querySelector('.alarms').firstElementChild.matches('.bad')`)
	b.until("the machine is down", `document.querySelector('[data-member=n2]').dataset.mood === 'bad' && document.querySelectorAll('.picture-line.broken').length === 2`)
	b.do("scroll down", chromedp.Evaluate[chromedp.Void](`void scrollTo(0, 1e6)`))
	b.shot("cluster-members")
	b.until("the navigation warns", `document.querySelector('.nav-alarm b')?.textContent === '1'`)
	b.open("/documents")
	b.until("everywhere", `document.querySelector('.nav-alarm b')?.textContent === '1'`)
}

func TestAddAMachine(t *testing.T) {
	s, b := signedIn(t)
	b.open("/cluster")
	b.do("add", chromedp.Click(chromedp.CSS(`form[action="/cluster/add"] button`)))
	b.until("the command is shown", `document.querySelector('[data-command]')?.textContent.startsWith('recto up --join 10.0.0.5:8421 --token rct1.')`)
	b.until("with its end", `!!document.querySelector('main time')`)
	b.until("it can be copied", `document.querySelector('[data-copy]').dataset.copy === document.querySelector('[data-command]').textContent`)
	s.wants(t, "token 1h0m0s by user:anna")
	for _, width := range []int64{1440, 390} {
		b.size(width, 844)
		b.shot(fmt.Sprintf("cluster-command-%d", width))
		if over := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			t.Errorf("the command is %d px too wide at %d px", over, width)
		}
	}
}

// Whoever runs no scripts can do all of it, and is told what it means first.
func TestClusterWithoutScripts(t *testing.T) {
	s := openSite(t, true)
	s.change(func(v *doc.ClusterView) { *v = troubled(3) })
	p := openPlain(t, s)
	p.post("/login", url.Values{"name": {"anna"}, "password": {password}})
	_, text := p.get("/cluster")
	for _, want := range []string{"Needs you", "attic has not answered", "Bringing missing copies", "42 %", "no other machine may fail", "9.0 GB free of 100 GB", "41 messages behind", "-4.2", "Removed machines", "barn", "Finalise the upgrade", "1 of 4 busy", "this one"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if res, _ := p.post("/cluster/members/n3/drain", url.Values{"on": {"false"}}); res.Request.URL.Path != "/cluster" {
		t.Errorf("after resuming: %s, %d", res.Request.URL, res.StatusCode)
	}
	s.wants(t, "drain n3 false by user:anna")

	if _, text := p.get("/cluster/members/n2/remove"); !strings.Contains(text, "Remove attic?") || !strings.Contains(text, "Two machines stay") || !strings.Contains(text, "does not answer") || !strings.Contains(text, `name="force"`) {
		t.Errorf("removing a dead machine does not say what it means")
	}
	if _, text := p.get("/cluster/members/n1/remove"); !strings.Contains(text, "shows you this page") || strings.Contains(text, `name="force"`) {
		t.Errorf("removing this machine does not say so, or offers force")
	}
	s.wants(t)
	if res, text := p.post("/cluster/members/n2/remove", url.Values{}); res.StatusCode != 409 || !strings.Contains(text, "12 documents have their only copy on attic") {
		t.Errorf("refused: %d", res.StatusCode)
	}
	if res, text := p.post("/cluster/members/n2/remove", url.Values{"force": {"true"}}); res.Request.URL.Path != "/cluster" || strings.Contains(text, `data-member="n2"`) {
		t.Errorf("with force: %s, %d", res.Request.URL, res.StatusCode)
	}
	s.wants(t, "remove n2 force false by user:anna", "remove n2 force true by user:anna")

	if _, text := p.get("/cluster/finalise"); !strings.Contains(text, "level 2") || !strings.Contains(text, "go back") {
		t.Error("finalising does not say what it means")
	}
	if _, text := p.post("/cluster/finalise", url.Values{}); strings.Contains(text, "Finalise the upgrade") {
		t.Error("finalised, and still offered")
	}
	if _, text := p.post("/cluster/add", url.Values{"ttl": {"24h"}}); !strings.Contains(text, "recto up --join") {
		t.Error("no command is shown")
	}
	s.wants(t, "finalise by user:anna", "token 24h0m0s by user:anna")
	if res, _ := p.get("/cluster/members/nobody/remove"); res.StatusCode != 404 {
		t.Errorf("removing nobody: %d", res.StatusCode)
	}
}
