package api

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

func (s *Server) accountRoutes() []route {
	return []route{
		{method: "POST", path: prefix + "/setup", perm: auth.Public, action: "user.setup", handler: s.setup, summary: "make the first admin with the one-time token", body: SetupRequest{}, answer: Identity{}, status: fiber.StatusCreated},
		{method: "POST", path: prefix + "/login", perm: auth.Public, action: "session.open", handler: s.login, summary: "sign in: answers with a session cookie", body: LoginRequest{}, answer: Identity{}},
		{method: "POST", path: prefix + "/logout", perm: auth.Account, action: "session.close", handler: s.logout, summary: "end this session", status: fiber.StatusNoContent},
		{method: "GET", path: prefix + "/me", perm: auth.Known, handler: s.me, summary: "who is asking", answer: Identity{}},
		{method: "PUT", path: prefix + "/me/password", perm: auth.Account, action: "user.password", handler: s.ownPassword, summary: "change the own password: ends all sessions and opens a new one", body: PasswordRequest{}, answer: Identity{}},
		{method: "DELETE", path: prefix + "/me/sessions", perm: auth.Account, action: "session.close_all", handler: s.closeAll, summary: "sign out everywhere", status: fiber.StatusNoContent},
	}
}

func (s *Server) userRoutes() []route {
	const base = prefix + "/users"
	return []route{
		{method: "GET", path: base, perm: auth.Users, handler: s.users, summary: "all users", answer: []auth.User{}},
		{method: "POST", path: base, perm: auth.Users, action: "user.create", handler: s.createUser, summary: "add a user", body: UserRequest{}, answer: auth.User{}, status: fiber.StatusCreated},
		{method: "PUT", path: base + "/:user", perm: auth.Users, action: "user.change", handler: s.changeUser, summary: "change role or password: ends the user's sessions", body: UserChange{}, status: fiber.StatusNoContent},
		{method: "DELETE", path: base + "/:user", perm: auth.Users, action: "user.delete", handler: s.deleteUser, summary: "remove a user", status: fiber.StatusNoContent},
	}
}

func (s *Server) keyRoutes() []route {
	const base = prefix + "/api-keys"
	return []route{
		{method: "GET", path: base, perm: auth.Keys, handler: s.keys, summary: "all API keys, without secrets", answer: []auth.Key{}},
		{method: "POST", path: base, perm: auth.Keys, action: "key.create", handler: s.createKey, summary: "make an API key; its secret is shown this once", body: KeyRequest{}, answer: NewKey{}, status: fiber.StatusCreated},
		{method: "DELETE", path: base + "/:key", perm: auth.Keys, action: "key.delete", handler: s.deleteKey, summary: "remove an API key", status: fiber.StatusNoContent},
	}
}

// The bodies of account, user and key routes.
type (
	// SetupRequest makes the first admin.
	SetupRequest struct {
		Token    string `json:"token"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	// LoginRequest signs in.
	LoginRequest struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	// PasswordRequest changes the own password.
	PasswordRequest struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	// UserRequest adds a user.
	UserRequest struct {
		Name     string    `json:"name"`
		Password string    `json:"password"`
		Role     auth.Role `json:"role"`
	}
	// UserChange changes a user; what is left out stays.
	UserChange struct {
		Password *string    `json:"password,omitempty"`
		Role     *auth.Role `json:"role,omitempty"`
	}
	// KeyRequest makes an API key; without expires_at it never expires.
	KeyRequest struct {
		Name      string     `json:"name"`
		Role      auth.Role  `json:"role"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}
	// NewKey is a new API key with its secret.
	NewKey struct {
		Key    auth.Key `json:"key"`
		Secret string   `json:"secret"` // rk_<id>_<secret>
	}
	// Identity is who is asking and what they may do.
	Identity struct {
		Kind        auth.Kind         `json:"kind"`
		Name        string            `json:"name"`
		Role        auth.Role         `json:"role"`
		Permissions []auth.Permission `json:"permissions"`
		Expires     *time.Time        `json:"expires,omitempty"` // of the session
	}
)

// identity renders who is asking.
func (c *call) identity() error {
	id := Identity{Kind: c.who.Kind, Name: c.who.Name, Role: c.who.Role, Permissions: c.who.Role.Permissions()}
	if c.session != nil {
		id.Expires = &c.session.Expires
	}
	return c.JSON(id)
}

// enter makes sess the session of this call and hands out its cookie.
func (c *call) enter(sess auth.Session) {
	c.session, c.who = &sess, sess.Principal
	c.signIn(sess)
}

func (s *Server) setup(c *call) error {
	in := c.input.(*SetupRequest)
	sess, err := s.auth.Setup(c.ctx, in.Token, in.Name, in.Password)
	if err != nil {
		return err
	}
	c.enter(sess)
	return c.identity()
}

func (s *Server) login(c *call) error {
	in := c.input.(*LoginRequest)
	sess, err := s.auth.Login(c.ctx, in.Name, in.Password, c.IP())
	if err != nil {
		return err
	}
	c.enter(sess)
	return c.identity()
}

func (s *Server) logout(c *call) error {
	c.signOut()
	return s.auth.Logout(c.ctx, c.session.Token)
}

func (s *Server) me(c *call) error { return c.identity() }

func (s *Server) ownPassword(c *call) error {
	in := c.input.(*PasswordRequest)
	if err := s.auth.ChangePassword(c.ctx, c.who.ID, in.Old, in.New, c.IP()); err != nil {
		return err
	}
	sess, err := s.auth.Login(c.ctx, c.who.ID, in.New, c.IP())
	if err != nil {
		return err
	}
	c.enter(sess)
	return c.identity()
}

func (s *Server) closeAll(c *call) error {
	c.signOut()
	return s.auth.SignOutEverywhere(c.ctx, c.who.ID)
}

func (s *Server) users(c *call) error {
	users, err := s.auth.ListUsers()
	if err != nil {
		return err
	}
	return c.JSON(users)
}

func (s *Server) createUser(c *call) error {
	in := c.input.(*UserRequest)
	u, err := s.auth.CreateUser(c.ctx, in.Name, in.Password, in.Role)
	if err != nil {
		return err
	}
	return c.JSON(u)
}

func (s *Server) changeUser(c *call) error {
	in := c.input.(*UserChange)
	name, err := c.param("user")
	if err != nil {
		return err
	}
	if in.Password == nil && in.Role == nil {
		return doc.Errorf(doc.Invalid, "give a password, a role, or both")
	}
	if in.Role != nil {
		if err := s.auth.SetRole(c.ctx, name, *in.Role); err != nil {
			return err
		}
	}
	if in.Password != nil {
		return s.auth.SetPassword(c.ctx, name, *in.Password)
	}
	return nil
}

func (s *Server) deleteUser(c *call) error {
	name, err := c.param("user")
	if err != nil {
		return err
	}
	return s.auth.DeleteUser(c.ctx, name)
}

func (s *Server) keys(c *call) error {
	keys, err := s.auth.ListKeys()
	if err != nil {
		return err
	}
	return c.JSON(keys)
}

func (s *Server) createKey(c *call) error {
	in := c.input.(*KeyRequest)
	var expires time.Time
	if in.ExpiresAt != nil {
		expires = *in.ExpiresAt
	}
	key, secret, err := s.auth.CreateKey(c.ctx, c.who.String(), in.Name, in.Role, expires)
	if err != nil {
		return err
	}
	return c.JSON(NewKey{Key: key, Secret: secret})
}

func (s *Server) deleteKey(c *call) error { return s.auth.DeleteKey(c.ctx, c.Params("key")) }
