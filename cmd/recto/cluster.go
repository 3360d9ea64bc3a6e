package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

func runToken(ctx context.Context, s streams, args []string) error {
	var ttl time.Duration
	var asJSON bool
	c, rest, err := talk(s, "token", args, 1, 1, func(fs *flag.FlagSet) {
		fs.DurationVar(&ttl, "ttl", time.Hour, "how long the new machine has to join")
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if rest[0] != "create" {
		fmt.Fprintln(s.err, "recto token: use recto token create")
		return errUsage
	}
	t, err := c.JoinToken(ctx, ttl)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, t)
	}
	fmt.Fprintf(s.err, "Run this on the new machine, until %s. It lets in one machine, once:\n\n", t.Expires.Local().Format(time.DateTime))
	_, err = fmt.Fprintln(s.out, t.Command)
	return err
}

func runNodes(ctx context.Context, s streams, args []string) error {
	var wait, asJSON bool
	c, _, err := talk(s, "nodes", args, 0, 0, func(fs *flag.FlagSet) {
		fs.BoolVar(&wait, "wait", false, "wait until nothing is left to be done, and show how it gets on")
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := c.Cluster(ctx)
	if err == nil && wait {
		v, err = follow(ctx, s, c, func(v doc.ClusterView) bool { return v.Unsettled() == "" })
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, v)
	}
	return printCluster(s.out, v)
}

// lookEvery is how often the cluster is looked at while a command waits.
const lookEvery = time.Second

// follow looks at the cluster until it is as wanted, and says what is being done
// meanwhile. That nobody answers for a while is part of how clusters change.
func follow(ctx context.Context, s streams, c *client.Client, wanted func(doc.ClusterView) bool) (doc.ClusterView, error) {
	p := progress(s.err)
	defer p.done()
	said := map[string]bool{}
	say := func(text string, done float64) {
		if p.live && done >= 0 {
			p.show(text, int(done*100), 100)
		} else if !said[text] {
			p.done()
			said[text] = true
			fmt.Fprintln(s.err, text)
		}
	}
	for {
		v, err := c.Cluster(ctx)
		switch {
		case err == nil && wanted(v):
			return v, nil
		case err == nil:
			for _, step := range v.Steps {
				text := step.Text
				if step.Error != "" {
					text += ": " + step.Error
				}
				say(text, step.Done)
			}
			if len(v.Steps) == 0 {
				say(v.Unsettled(), -1)
			}
		case doc.CodeOf(err) != doc.Unavailable:
			return v, err
		default:
			say(err.Error(), -1)
		}
		t := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			return v, context.Cause(ctx)
		case <-t.C:
		}
	}
}

func runDrain(ctx context.Context, s streams, args []string) error {
	var undo bool
	c, names, err := talk(s, "drain", args, 1, 1, func(fs *flag.FlagSet) {
		fs.BoolVar(&undo, "undo", false, "have the member take work again")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Drain(ctx, names[0], !undo); err != nil {
		return err
	}
	if undo {
		_, err = fmt.Fprintf(s.out, "%s takes work again\n", names[0])
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s finishes its work and takes no more; it keeps its copies and its vote. Undo: recto drain --undo %s\n", names[0], names[0])
	return err
}

func runRemove(ctx context.Context, s streams, args []string) error {
	var wait, force bool
	c, names, err := talk(s, "remove", args, 1, 1, func(fs *flag.FlagSet) {
		fs.BoolVar(&wait, "wait", false, "wait until the member has left, and show how it gets on")
		fs.BoolVar(&force, "force", false, "give up what only this member holds; only for one that is down")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	id, err := memberID(ctx, c, names[0])
	if err != nil {
		return err
	}
	if err := c.Remove(ctx, id, force); err != nil {
		return err
	}
	if !wait {
		_, err = fmt.Fprintf(s.out, "%s is leaving. If it runs, leave it running until recto nodes shows it no more\n", names[0])
		return err
	}
	_, err = follow(ctx, s, c, func(v doc.ClusterView) bool {
		for _, m := range v.Members {
			if m.ID == id {
				return m.State == doc.MemberRemoved
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s has left. It is kept out: to use it again, empty its data folder and let it join anew\n", names[0])
	return err
}

// memberID finds the member meant by name, so that one that joins meanwhile under
// the same name is never taken for it.
func memberID(ctx context.Context, c *client.Client, name string) (string, error) {
	v, err := c.Cluster(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, m := range v.Members {
		if m.ID == name {
			return m.ID, nil
		}
		if m.State != doc.MemberRemoved && strings.EqualFold(m.Name, name) {
			found = append(found, m.ID)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return name, nil // the node says what is wrong with it
}

func runUpgrade(ctx context.Context, s streams, args []string) error {
	c, rest, err := talk(s, "upgrade", args, 1, 1, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if rest[0] != "finalise" {
		fmt.Fprintln(s.err, "recto upgrade: use recto upgrade finalise")
		return errUsage
	}
	before, err := c.Cluster(ctx)
	if err != nil {
		return err
	}
	if before.LevelUp <= before.Level {
		_, err = fmt.Fprintf(s.out, "Nothing waits: what all members can use (level %d) is in use.\n", before.Level)
		return err
	}
	if err := c.Finalise(ctx); err != nil {
		return err
	}
	v, err := c.Cluster(ctx)
	if err != nil {
		return errors.Join(errors.New("finalised, but what it led to is not known"), err)
	}
	_, err = fmt.Fprintf(s.out, "The features of level %d are in use. No member can go back to the version before.\n", v.Level)
	return err
}
