package auth

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// User is a person who can sign in, without the secret.
type User struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"created_at"`
	ChangedAt time.Time `json:"changed_at"` // of role or password
}

// account is a user as stored.
type account struct {
	User
	Hash  string `json:"hash"`  // PHC string
	Epoch uint64 `json:"epoch"` // sessions of an earlier epoch have ended
}

var userForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,62}$`)

// cleanName is the form under which a user is stored: e-mail addresses and
// names are compared without regard to case.
func cleanName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkName(name string) error {
	if !userForm.MatchString(name) {
		return doc.Errorf(doc.Invalid, "user name %q: use 1 to 63 letters, digits and . _ @ + -", name)
	}
	return nil
}

// ListUsers gives all users by name.
func (a *Auth) ListUsers() ([]User, error) {
	out := []User{}
	for name := range a.store.List(KindUser) {
		acc, _, err := a.account(name)
		if err != nil {
			return nil, err
		}
		out = append(out, acc.User)
	}
	slices.SortFunc(out, func(x, y User) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// CreateUser adds a user. Errors: Invalid, Conflict when the name is taken.
func (a *Auth) CreateUser(ctx context.Context, name, password string, role Role) (User, error) {
	name = cleanName(name)
	if err := checkName(name); err != nil {
		return User{}, err
	}
	if err := role.Validate(); err != nil {
		return User{}, err
	}
	if err := CheckPassword(name, password); err != nil {
		return User{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	epoch, err := a.firstEpoch()
	if err != nil {
		return User{}, err
	}
	now := a.cfg.Clock().UTC()
	acc := account{User: User{Name: name, Role: role, CreatedAt: now, ChangedAt: now}, Hash: hash, Epoch: epoch}
	if err := a.save(ctx, KindUser, name, acc, 0); err != nil {
		if doc.CodeOf(err) == doc.Conflict {
			return User{}, &doc.Error{Code: doc.Conflict, Message: fmt.Sprintf("there is a user %q already", name), Err: err}
		}
		return User{}, err
	}
	return acc.User, nil
}

// firstEpoch is random, so that sessions of a removed user do not fit a later
// one of the same name.
func (a *Auth) firstEpoch() (uint64, error) {
	b, err := a.random(4)
	if err != nil {
		return 0, err
	}
	return uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | 1, nil
}

// SetPassword gives a user a new password and ends all their sessions.
func (a *Auth) SetPassword(ctx context.Context, name, password string) error {
	if err := CheckPassword(cleanName(name), password); err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.change(ctx, name, func(acc *account) error {
		acc.Hash = hash
		acc.Epoch++
		return nil
	})
}

// ChangePassword is SetPassword for somebody who proves the old one.
func (a *Auth) ChangePassword(ctx context.Context, name, old, password, addr string) error {
	if _, err := a.check(ctx, name, old, addr); err != nil {
		return err
	}
	return a.SetPassword(ctx, name, password)
}

// SetRole gives a user another role and ends their sessions. The last admin
// stays one: Conflict.
func (a *Auth) SetRole(ctx context.Context, name string, role Role) error {
	if err := role.Validate(); err != nil {
		return err
	}
	a.admins.Lock()
	defer a.admins.Unlock()
	return a.change(ctx, name, func(acc *account) error {
		if acc.Role == Admin && role != Admin {
			if err := a.anotherAdmin(acc.Name); err != nil {
				return err
			}
		}
		acc.Role = role
		acc.Epoch++
		return nil
	})
}

// SignOutEverywhere ends all sessions of a user.
func (a *Auth) SignOutEverywhere(ctx context.Context, name string) error {
	return a.change(ctx, name, func(acc *account) error {
		acc.Epoch++
		return nil
	})
}

// DeleteUser removes a user and with it all sessions. The last admin stays:
// Conflict.
func (a *Auth) DeleteUser(ctx context.Context, name string) error {
	a.admins.Lock()
	defer a.admins.Unlock()
	acc, _, err := a.account(name)
	if err != nil {
		return err
	}
	if acc.Role == Admin {
		if err := a.anotherAdmin(acc.Name); err != nil {
			return err
		}
	}
	if err := a.store.Delete(ctx, KindUser, acc.Name); err != nil {
		return fmt.Errorf("delete user %q: %w", acc.Name, err)
	}
	return nil
}

func (a *Auth) anotherAdmin(than string) error {
	users, err := a.ListUsers()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(users, func(u User) bool { return u.Role == Admin && u.Name != than }) {
		return nil
	}
	return doc.Errorf(doc.Conflict, "%s is the only admin: make another one first", than)
}

// account loads a user, or NotFound.
func (a *Auth) account(name string) (account, uint64, error) {
	var acc account
	version, ok, err := a.load(KindUser, cleanName(name), &acc)
	if err != nil {
		return acc, 0, err
	}
	if !ok {
		return acc, 0, doc.Errorf(doc.NotFound, "there is no user %q", name)
	}
	return acc, version, nil
}

// change loads a user, has f edit it, and stores it unless somebody was faster.
func (a *Auth) change(ctx context.Context, name string, f func(*account) error) error {
	acc, version, err := a.account(name)
	if err != nil {
		return err
	}
	if err := f(&acc); err != nil {
		return err
	}
	acc.ChangedAt = a.cfg.Clock().UTC()
	return a.save(ctx, KindUser, acc.Name, acc, version)
}
