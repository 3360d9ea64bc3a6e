package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/recto-edge/recto/node/client"
)

// runKeys lists, makes and removes the keys with which stations and programs
// on other machines talk to the nodes.
func runKeys(ctx context.Context, s streams, args []string) error {
	var role string
	var ttl time.Duration
	var asJSON bool
	c, rest, err := talk(s, "keys", args, 0, 2, func(fs *flag.FlagSet) {
		fs.StringVar(&role, "role", "operator", "of a new key: station (delivers and sees nothing), reader, reviewer, operator or admin")
		fs.DurationVar(&ttl, "ttl", 0, "how long a new key is good, such as 720h (default: until it is removed)")
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case len(rest) == 0:
		return listKeys(ctx, s.out, c, asJSON)
	case len(rest) == 2 && rest[0] == "create":
		return createKey(ctx, s, c, rest[1], role, ttl, asJSON)
	case len(rest) == 2 && rest[0] == "delete":
		if err := c.DeleteKey(ctx, rest[1]); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s removed\n", rest[1])
		return err
	}
	fmt.Fprintln(s.err, "recto keys: use create NAME or delete ID")
	return errUsage
}

// createKey prints the secret alone to the standard output, so that a script
// can take it.
func createKey(ctx context.Context, s streams, c *client.Client, name, role string, ttl time.Duration, asJSON bool) error {
	var expires time.Time
	if ttl > 0 {
		expires = time.Now().Add(ttl)
	}
	k, secret, err := c.CreateKey(ctx, name, role, expires)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, map[string]any{"key": k, "secret": secret})
	}
	fmt.Fprintf(s.err, "Key %s of %s, role %s. It is shown only now; give it to a program as RECTO_KEY:\n\n", k.ID, k.Name, k.Role)
	_, err = fmt.Fprintln(s.out, secret)
	return err
}

func listKeys(ctx context.Context, out io.Writer, c *client.Client, asJSON bool) error {
	keys, err := c.Keys(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, keys)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tROLE\tMADE\tBY\tUNTIL\t")
	for _, k := range keys {
		until := "removed"
		if k.ExpiresAt != nil {
			until = k.ExpiresAt.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", k.ID, k.Name, k.Role, k.CreatedAt.Local().Format(time.DateTime), k.CreatedBy, until)
	}
	return w.Flush()
}
