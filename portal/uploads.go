package portal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// Large files come in pieces, by the protocol tus 1.0.0 (https://tus.io/protocols/resumable-upload)
// with its extensions creation, termination and expiration: POST begins a file
// and gives its address; HEAD there says how far it has come, PATCH sends the
// next piece, DELETE gives it up. The pages and /api/v1 speak it alike, each to
// its own callers.
const tusVersion = "1.0.0"

// sender is who sends a file, through which door.
type sender struct {
	*catalog.Catalog
	who auth.Principal
	at  string // the address that the files' ids are under
}

// pieceWait is how long a piece may pause before its connection is given up,
// and with it the claim to the file.
const pieceWait = 30 * time.Second

// tus answers one request of the protocol by do; what goes wrong is a problem.
func tus(w http.ResponseWriter, r *http.Request, do func() error) error {
	w.Header().Set("Tus-Resumable", tusVersion)
	w.Header().Set("Cache-Control", "no-store")
	if got := r.Header.Get("Tus-Resumable"); got != tusVersion {
		return problem.Errorf(problem.PreconditionFailed, "Tus-Resumable is %q, not %s", got, tusVersion).
			Coded("upload-protocol", "version", tusVersion).Sends("Tus-Version", tusVersion)
	}
	return do()
}

// canTus answers OPTIONS: what of the protocol is spoken here.
func canTus(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Extension", "creation,termination,expiration")
	h.Set("Tus-Max-Size", strconv.Itoa(catalog.MaxUpload))
	w.WriteHeader(http.StatusNoContent)
}

// begin answers POST: a file for a dataset, of the name and size its headers say.
func (s sender) begin(w http.ResponseWriter, r *http.Request, dataset uuid.UUID) error {
	name, size, err := announced(r)
	if err != nil {
		return err
	}
	up, err := s.BeginUpload(r.Context(), s.who, dataset, name, size)
	if err != nil {
		return err
	}
	w.Header().Set("Location", s.at+"/"+up.ID.String())
	s.answer(w, up, http.StatusCreated)
	return nil
}

// announced is what the headers say of a file that is to come.
func announced(r *http.Request) (name string, size int64, err error) {
	if size, err = strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64); err != nil {
		return "", 0, problem.Errorf(problem.Invalid, "Upload-Length is no number of bytes").Coded("upload-header", "name", "Upload-Length")
	}
	name, err = fileNameIn(r.Header.Get("Upload-Metadata"))
	return name, size, err
}

// fileNameIn reads the value of filename in Upload-Metadata: pairs with commas
// between them, each a key, a space and the value in base64.
func fileNameIn(header string) (string, error) {
	for _, pair := range strings.Split(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if key != "filename" {
			continue
		}
		if name, err := base64.StdEncoding.DecodeString(value); err == nil && len(name) > 0 {
			return string(name), nil
		}
	}
	return "", problem.Errorf(problem.Invalid, "Upload-Metadata names no file").Coded("upload-header", "name", "Upload-Metadata")
}

// tell answers HEAD: how far the file has come.
func (s sender) tell(w http.ResponseWriter, r *http.Request, id uuid.UUID) error {
	up, err := s.Upload(r.Context(), s.who, id)
	if err != nil {
		return err
	}
	w.Header().Set("Upload-Length", strconv.FormatInt(up.Size, 10))
	s.answer(w, up, http.StatusOK)
	return nil
}

// take answers PATCH: the next piece.
func (s sender) take(w http.ResponseWriter, r *http.Request, id uuid.UUID) error {
	if r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return problem.Errorf(problem.UnsupportedMedia, "a piece is application/offset+octet-stream").Coded("upload-header", "name", "Content-Type")
	}
	offset, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return problem.Errorf(problem.Invalid, "Upload-Offset is no place in a file").Coded("upload-header", "name", "Upload-Offset")
	}
	body := &piece{body: r.Body, wait: func() {
		_ = http.NewResponseController(w).SetReadDeadline(s.Now().Add(pieceWait)) // in a test there is no connection
	}}
	up, err := s.Receive(r.Context(), s.who, id, offset, body)
	if body.broken != nil && problem.Code(err) == "" {
		return problem.Errorf(problem.Invalid, "the piece broke off at byte %d", up.Received).
			Coded("upload-broken-off", "at", fmt.Sprint(up.Received)).Because(body.broken)
	}
	if err != nil {
		return err
	}
	s.answer(w, up, http.StatusNoContent)
	return nil
}

// drop answers DELETE.
func (s sender) drop(w http.ResponseWriter, r *http.Request, id uuid.UUID) error {
	if err := s.DropUpload(r.Context(), s.who, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s sender) answer(w http.ResponseWriter, up catalog.Incoming, status int) {
	w.Header().Set("Upload-Offset", strconv.FormatInt(up.Received, 10))
	w.Header().Set("Upload-Expires", up.ExpiresAt.UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
}

// piece is the body of a PATCH. It waits for the next bytes only so long, and
// remembers that it broke off.
type piece struct {
	body   io.Reader
	wait   func()
	broken error
}

// Read is of io.Reader.
func (p *piece) Read(b []byte) (int, error) {
	p.wait()
	n, err := p.body.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.broken = err
	}
	return n, err
}

// uploadRoutes are the protocol for people in a browser.
func (p *Portal) uploadRoutes(r *mux.Router, set string) {
	r.Handle(set+"/uploads", problem.HandlerFunc(p.beginUpload)).Methods("POST")
	for method, do := range map[string]func(sender, http.ResponseWriter, *http.Request, uuid.UUID) error{
		"HEAD": sender.tell, "PATCH": sender.take, "DELETE": sender.drop,
	} {
		r.Handle(set+"/uploads/{upload}", problem.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return tus(w, r, func() error {
				s, _, err := p.sender(r)
				if err != nil {
					return err
				}
				id, err := idIn(r, "upload")
				if err != nil {
					return err
				}
				return do(s, w, r, id)
			})
		})).Methods(method)
	}
}

func (p *Portal) beginUpload(w http.ResponseWriter, r *http.Request) error {
	return tus(w, r, func() error {
		s, dataset, err := p.sender(r)
		if err != nil {
			return err
		}
		return s.begin(w, r, dataset)
	})
}

// sender is who is signed in, at the desk of a dataset.
func (p *Portal) sender(r *http.Request) (sender, uuid.UUID, error) {
	r, err := p.identified(r)
	if err != nil {
		return sender{}, uuid.Nil, err
	}
	d, err := p.datasetOf(r)
	if err != nil {
		return sender{}, uuid.Nil, err
	}
	return sender{Catalog: p.Catalog, who: d.who, at: address(r, d.Base()) + "/uploads"}, d.Dataset.ID, nil
}

func (a *API) uploadRoutes(r routes) {
	r.on(http.MethodOptions, "/uploads", a.describeUploads)
	r.on(http.MethodPost, "/datasets/{slug}/uploads", a.beginUpload)
	r.on(http.MethodHead, "/uploads/{id}", a.tellUpload)
	r.on(http.MethodPatch, "/uploads/{id}", a.takeUpload)
	r.on(http.MethodDelete, "/uploads/{id}", a.dropUpload)
}

// describeUploads answers OPTIONS /uploads.
//
//	@Summary	What is spoken of the protocol of resumable uploads, tus 1.0.0
//	@Tags		datasets
//	@Success	204
//	@Router		/uploads [options]
func (a *API) describeUploads(w http.ResponseWriter, _ *http.Request) error {
	canTus(w)
	return nil
}

// beginUpload answers POST /datasets/{slug}/uploads.
//
//	@Summary		Begin a file of up to 1 GiB that comes in pieces and goes on after a break (tus 1.0.0)
//	@Description	Its address is in Location. When it has come whole, add it with ?upload={id}; it rests for a day at most.
//	@Tags			datasets
//	@Security		bearer
//	@Param			slug			path	string	true	"slug"
//	@Param			Tus-Resumable	header	string	true	"1.0.0"
//	@Param			Upload-Length	header	int		true	"bytes of the whole file"
//	@Param			Upload-Metadata	header	string	true	"filename and its name in base64"
//	@Success		201
//	@Router			/datasets/{slug}/uploads [post]
func (a *API) beginUpload(w http.ResponseWriter, r *http.Request) error {
	return tus(w, r, func() error {
		who, err := a.someone(r)
		if err != nil {
			return err
		}
		d, err := a.Catalog.DatasetBySlug(r.Context(), who, mux.Vars(r)["slug"])
		if err != nil {
			return err
		}
		return sender{Catalog: a.Catalog, who: who, at: "/api/v1/uploads"}.begin(w, r, d.ID)
	})
}

// onUpload answers a request about the file whose id stands in the path.
func (a *API) onUpload(w http.ResponseWriter, r *http.Request, do func(sender, http.ResponseWriter, *http.Request, uuid.UUID) error) error {
	return tus(w, r, func() error {
		who, err := a.someone(r)
		if err != nil {
			return err
		}
		id, err := pathID(r, "id")
		if err != nil {
			return err
		}
		return do(sender{Catalog: a.Catalog, who: who}, w, r, id)
	})
}

// tellUpload answers HEAD /uploads/{id}.
//
//	@Summary	How far a file has come: Upload-Offset
//	@Tags		datasets
//	@Security	bearer
//	@Param		id				path	string	true	"id of the upload"
//	@Param		Tus-Resumable	header	string	true	"1.0.0"
//	@Success	200
//	@Router		/uploads/{id} [head]
func (a *API) tellUpload(w http.ResponseWriter, r *http.Request) error {
	return a.onUpload(w, r, sender.tell)
}

// takeUpload answers PATCH /uploads/{id}.
//
//	@Summary	Send the next piece of a file
//	@Tags		datasets
//	@Security	bearer
//	@Param		id				path	string	true	"id of the upload"
//	@Param		Tus-Resumable	header	string	true	"1.0.0"
//	@Param		Upload-Offset	header	int		true	"where the piece begins: where the file stands"
//	@Success	204
//	@Router		/uploads/{id} [patch]
func (a *API) takeUpload(w http.ResponseWriter, r *http.Request) error {
	return a.onUpload(w, r, sender.take)
}

// dropUpload answers DELETE /uploads/{id}.
//
//	@Summary	Give a file up that has not come whole
//	@Tags		datasets
//	@Security	bearer
//	@Param		id				path	string	true	"id of the upload"
//	@Param		Tus-Resumable	header	string	true	"1.0.0"
//	@Success	204
//	@Router		/uploads/{id} [delete]
func (a *API) dropUpload(w http.ResponseWriter, r *http.Request) error {
	return a.onUpload(w, r, sender.drop)
}
