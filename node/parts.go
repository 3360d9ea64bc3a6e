package node

import (
	"slices"
	"sync"

	"github.com/recto-edge/recto/node/api"
)

// parts is the state of everything a node consists of: what readiness names when
// it is missing, and what the status page shows.
type parts struct {
	mu   sync.Mutex
	list []api.Engine
}

// States of a part, as the API shows them.
const (
	partOK       = "ok"
	partStarting = "starting"
	partDown     = "down"
	partBehind   = "behind" // works, and what it holds is not all up to date
)

func newParts(names ...string) *parts {
	p := &parts{}
	for _, n := range names {
		p.list = append(p.list, api.Engine{Name: n, State: partStarting})
	}
	return p
}

// set records the state of a part and says whether it changed.
func (p *parts) set(name, state, detail string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.list, func(e api.Engine) bool { return e.Name == name })
	if i < 0 {
		p.list = append(p.list, api.Engine{Name: name})
		i = len(p.list) - 1
	}
	changed := p.list[i].State != state
	p.list[i].State, p.list[i].Detail = state, detail
	return changed
}

// check sets a part by the error of its probe.
func (p *parts) check(name string, err error) bool {
	if err != nil {
		return p.set(name, partDown, err.Error())
	}
	return p.set(name, partOK, "")
}

// ok says whether a part works.
func (p *parts) ok(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.list, func(e api.Engine) bool { return e.Name == name && e.State == partOK })
}

// behind says whether a part works and is behind, and what is known about why.
func (p *parts) behind(name string) (detail string, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.list {
		if e.Name == name && e.State == partBehind {
			return e.Detail, true
		}
	}
	return "", false
}

// missing names the parts that do not work, with what is known about why.
func (p *parts) missing() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []string{}
	for _, e := range p.list {
		if e.State == partOK || e.State == partBehind {
			continue
		}
		text := e.Name + ": " + e.State
		if e.Detail != "" {
			text += ": " + e.Detail
		}
		out = append(out, text)
	}
	return out
}

func (p *parts) engines() []api.Engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}
