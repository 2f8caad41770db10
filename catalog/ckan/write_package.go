package ckan

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"lgsp/catalog"
)

func writeActions() map[string]action {
	return map[string]action{
		"package_create": {run: packageCreate, writes: true, help: "Begin a dataset of an agency (owner_org), as a draft: name, title, notes, url, license_id, maintainer, maintainer_email, tags or tag_string, groups, extras; the agency's own fields among the extras or by their names."},
		"package_update": {run: packageUpdate, writes: true, help: "Replace what is written about a dataset (id); what is left out vanishes. Files stay."},
		"package_patch":  {run: packagePatch, writes: true, help: "Change what is given of what is written about a dataset (id)."},
		"package_delete": {run: packageDelete, writes: true, help: "Withdraw a published dataset (id); reason."},
		"resource_create": {run: resourceCreate, writes: true, uploads: true,
			help: "Add a file to a dataset (package_id): upload, as multipart/form-data; name, description."},
		"resource_update": {run: resourceUpdate, writes: true, uploads: true, help: "Give a resource (id) a new file (upload), a name and a description; what is left out vanishes, but the file."},
		"resource_patch":  {run: resourcePatch, writes: true, uploads: true, help: "Give a resource (id) what is given: upload, name, description."},
		"resource_delete": {run: resourceDelete, writes: true, help: "Refused: what was once published stays with all its versions. package_delete withdraws a dataset."},
	}
}

func packageCreate(s *Server, c *call) (any, error) {
	of, err := s.ownerOf(c)
	if err != nil {
		return nil, err
	}
	if list, ok := c.params["resources"].([]any); ok && len(list) > 0 {
		return nil, invalid("resources", "Files are sent by resource_create, each as upload")
	}
	schema, err := s.Catalog.FieldSchema(c.ctx, c.who, of)
	if err != nil {
		return nil, err
	}
	text, err := s.described(c, schema.Schema(), catalog.DatasetText{})
	if err != nil {
		return nil, err
	}
	d, err := s.Catalog.CreateDataset(c.ctx, c.who, of, text)
	if err != nil {
		return nil, err
	}
	return s.packageOf(c, d.ID)
}

// ownerOf is the agency that a package is to be of, by id or name.
func (s *Server) ownerOf(c *call) (uuid.UUID, error) {
	name, err := c.text("owner_org")
	if err != nil {
		return uuid.Nil, err
	}
	if name == "" {
		return uuid.Nil, invalid("owner_org", "An organization must be provided")
	}
	every, err := s.EveryOrganization(c.ctx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, o := range every {
		if o.Slug == name || o.ID.String() == strings.ToLower(name) {
			return o.ID, nil
		}
	}
	return uuid.Nil, invalid("owner_org", "Organization does not exist")
}

func (s *Server) packageOf(c *call, id uuid.UUID) (any, error) {
	list, err := s.packages(c, []uuid.UUID{id})
	if err == nil && len(list) == 0 {
		err = missing("")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func packageUpdate(s *Server, c *call) (any, error) {
	return s.editPackage(c, func(t catalog.DatasetText) catalog.DatasetText {
		t.TitleVI, t.NotesVI, t.SourceURL, t.Licence, t.ContactName, t.ContactEmail, t.Theme = "", "", "", "", "", "", ""
		t.Frequency, t.Spatial, t.TemporalStart, t.TemporalEnd, t.SourceDocument, t.ContactPhone = "", "", "", "", "", ""
		t.Fields = nil // the room keeps what the schema has no field for
		if !c.has("tags") && !c.has("tag_string") {
			t.KeywordsVI, t.KeywordsEN = nil, nil
		}
		return t
	})
}

func packagePatch(s *Server, c *call) (any, error) {
	return s.editPackage(c, func(t catalog.DatasetText) catalog.DatasetText { return t })
}

// editPackage changes what is written about a package, from what from leaves
// of it. Fields that CKAN has no name for stay as they are.
func (s *Server) editPackage(c *call, from func(catalog.DatasetText) catalog.DatasetText) (any, error) {
	name, err := c.needed("id", "name")
	if err != nil {
		return nil, err
	}
	id, err := s.packageID(c, name)
	if err != nil {
		return nil, err
	}
	d, err := s.Catalog.Dataset(c.ctx, c.who, id)
	if err != nil {
		return nil, err
	}
	if err := sameResources(c, d); err != nil {
		return nil, err
	}
	if c.has("owner_org") {
		if of, err := s.ownerOf(c); err != nil {
			return nil, err
		} else if of != d.AgencyID {
			return nil, invalid("owner_org", "A dataset stays with its organization")
		}
	}
	schema, err := s.Catalog.FieldSchema(c.ctx, c.who, d.AgencyID)
	if err != nil {
		return nil, err
	}
	text, err := s.described(c, schema.Schema(), from(d.DatasetText))
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.EditDataset(c.ctx, c.who, id, text); err != nil {
		return nil, err
	}
	return s.packageOf(c, id)
}

// sameResources takes the resources that a client sends back as it read them.
func sameResources(c *call, d catalog.Dataset) error {
	list, ok := c.params["resources"].([]any)
	if !ok {
		return nil
	}
	for _, item := range list {
		one, _ := item.(map[string]any)
		id, _ := one["id"].(string)
		if !slices.ContainsFunc(d.Distributions, func(part catalog.Distribution) bool { return part.ID.String() == id }) {
			return invalid("resources", "Files are added by resource_create and changed by resource_update")
		}
	}
	return nil
}

// described is t with what the call says of it. Of a title that comes twice,
// alone and among the translated ones, the one alone counts.
func (s *Server) described(c *call, schema catalog.OwnSchema, t catalog.DatasetText) (catalog.DatasetText, error) {
	if kind, err := c.text("type"); err != nil || kind != "" && kind != "dataset" {
		return t, invalid("type", "There are packages of type dataset only")
	}
	for name, into := range map[string][2]*string{"title_translated": {&t.TitleVI, &t.TitleEN}, "notes_translated": {&t.NotesVI, &t.NotesEN}} {
		if err := c.translated(name, into); err != nil {
			return t, err
		}
	}
	for name, into := range map[string]*string{"name": &t.Slug, "title": &t.TitleVI, "notes": &t.NotesVI, "url": &t.SourceURL,
		"license_id": &t.Licence, "maintainer": &t.ContactName, "maintainer_email": &t.ContactEmail} {
		if _, given := c.params[name]; !given {
			continue
		}
		text, err := c.text(name)
		if err != nil {
			return t, err
		}
		*into = text
	}
	for _, read := range []func(*call, *catalog.DatasetText) error{readTags, readGroups} {
		if err := read(c, &t); err != nil {
			return t, err
		}
	}
	if err := readExtras(c, schema, &t); err != nil {
		return t, err
	}
	return t, readOwn(c, schema, &t)
}

// translated reads {"vi": …, "en": …}.
func (c *call) translated(name string, into [2]*string) error {
	if !c.has(name) {
		return nil
	}
	object, err := c.object(name)
	if err != nil {
		return err
	}
	for language, value := range object {
		text, ok := value.(string)
		at := slices.Index([]string{"vi", "en"}, language)
		if !ok || at < 0 {
			return invalid(name, "There are the languages vi and en")
		}
		*into[at] = text
	}
	return nil
}

// readTags reads tags or tag_string. A tag that stands for a keyword stays it,
// punctuation and language included.
func readTags(c *call, t *catalog.DatasetText) error {
	var names []string
	switch {
	case c.has("tag_string"):
		text, err := c.text("tag_string")
		if err != nil {
			return err
		}
		names = strings.Split(text, ",")
	case c.has("tags"):
		list, ok := c.params["tags"].([]any)
		if !ok {
			return invalid("tags", "Must be a list of objects with a name")
		}
		for _, item := range list {
			name, ok := item.(string)
			if object, is := item.(map[string]any); is {
				name, ok = object["name"].(string)
			}
			if !ok {
				return invalid("tags", "Must be a list of objects with a name")
			}
			names = append(names, name)
		}
	default:
		return nil
	}
	vi, en := []string{}, []string{}
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if known, ok := keyword(t.KeywordsEN, name); ok {
			en = append(en, known)
			continue
		}
		known, ok := keyword(t.KeywordsVI, name)
		if !ok {
			known = name
		}
		vi = append(vi, known)
	}
	t.KeywordsVI, t.KeywordsEN = vi, en
	return nil
}

// keyword finds the keyword that a tag stands for.
func keyword(list []string, name string) (string, bool) {
	for _, known := range list {
		if known == name || tagName(known) == name {
			return known, true
		}
	}
	return "", false
}

// tagName is a keyword as catalog.package_row makes a tag of it.
func tagName(keyword string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if strings.ContainsRune("!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~", r) {
			return ' '
		}
		return r
	}, keyword)), " ")
}

// readGroups reads the theme, of which there is one.
func readGroups(c *call, t *catalog.DatasetText) error {
	if !c.has("groups") {
		return nil
	}
	list, ok := c.params["groups"].([]any)
	if !ok || len(list) > 1 {
		return invalid("groups", "Must be a list of at most one theme; group_list names them")
	}
	t.Theme = ""
	for _, item := range list {
		object, _ := item.(map[string]any)
		name, _ := object["name"].(string)
		if id, ok := object["id"].(string); ok && name == "" {
			name = id
		}
		g, ok := groupNamed(name)
		if !ok {
			return invalid("groups", "There is no theme %q; group_list names them", shorten(name))
		}
		t.Theme = g.ID
	}
	return nil
}

// readExtras reads the extras that have a place here; others are refused
// rather than lost. Those of the agency's schema have theirs.
func readExtras(c *call, schema catalog.OwnSchema, t *catalog.DatasetText) error {
	if !c.has("extras") {
		return nil
	}
	list, ok := c.params["extras"].([]any)
	if !ok {
		return invalid("extras", "Must be a list of objects with a key and a value")
	}
	places := map[string]*string{"frequency": &t.Frequency, "spatial-text": &t.Spatial, "temporal_start": &t.TemporalStart,
		"temporal_end": &t.TemporalEnd, "source_document": &t.SourceDocument, "contact_phone": &t.ContactPhone}
	for _, place := range places { // extras are replaced whole
		*place = ""
	}
	t.Fields = catalog.OwnValues{}
	for _, item := range list {
		object, _ := item.(map[string]any)
		key, _ := object["key"].(string)
		value, ok := object["value"].(string)
		place := places[key]
		switch {
		case !ok:
			return invalid("extras", "Must be a list of objects with a key and a value")
		case place != nil:
			*place = value
		case isOwn(schema, key):
			t.Fields[key] = valueOf(schema, key, value)
		case key == "language" && value == "vi", key == "theme": // as it was read; groups say it
		default:
			return invalid("extras", "There is no place for %s; there is for frequency, spatial-text, temporal_start, temporal_end, source_document, contact_phone%s", shorten(key), ownNames(schema))
		}
	}
	return nil
}

func packageDelete(s *Server, c *call) (any, error) {
	name, err := c.needed("id", "name")
	if err != nil {
		return nil, err
	}
	reason, err := c.text("reason")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(reason) == "" {
		reason = "package_delete"
	}
	id, err := s.packageID(c, name)
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.WithdrawDataset(c.ctx, c.who, id, reason); err != nil {
		return nil, err
	}
	return nil, nil
}

func resourceCreate(s *Server, c *call) (any, error) {
	name, err := c.needed("package_id")
	if err != nil {
		return nil, err
	}
	id, err := s.packageID(c, name)
	if err != nil {
		return nil, err
	}
	up, err := c.file()
	if err != nil {
		return nil, err
	}
	if up.Body == nil {
		return nil, invalid("upload", "Missing value: send the file as multipart/form-data; addresses of files elsewhere are not taken")
	}
	d, err := s.Catalog.AddDistribution(c.ctx, c.who, id, up)
	if err != nil {
		return nil, err
	}
	return s.resource(d), nil
}

// file is the file of a call, with what is said of it; without a Body when
// none came.
func (c *call) file() (catalog.Upload, error) {
	title, err := c.text("name")
	if err != nil {
		return catalog.Upload{}, err
	}
	english, err := c.text("description")
	if err != nil {
		return catalog.Upload{}, err
	}
	for field, text := range map[string]string{"name": title, "description": english} {
		if utf8.RuneCountInString(text) > 300 || !utf8.ValidString(text) {
			return catalog.Upload{}, invalid(field, "Must be text of at most 300 characters")
		}
	}
	up := catalog.Upload{TitleVI: title, TitleEN: english}
	if c.upload != nil {
		up.FileName, up.Body = c.upload.name, c.upload.body
	}
	return up, nil
}

func resourceUpdate(s *Server, c *call) (any, error) { return s.editResource(c, true) }

func resourcePatch(s *Server, c *call) (any, error) { return s.editResource(c, false) }

// editResource gives a resource a file or a name. whole: what is not given of
// the description vanishes; a name it keeps, since it must have one.
func (s *Server) editResource(c *call, whole bool) (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	up, err := c.file()
	if err != nil {
		return nil, err
	}
	d, err := s.Catalog.Distribution(c.ctx, c.who, id)
	if err != nil {
		return nil, err
	}
	if up.Body != nil { // first: it is what may fail
		if d, err = s.Catalog.ReplaceFile(c.ctx, c.who, id, up); err != nil {
			return nil, err
		}
	}
	title, english := d.TitleVI, d.TitleEN
	if up.TitleVI != "" {
		title = up.TitleVI
	}
	if _, given := c.params["description"]; given || whole {
		english = up.TitleEN
	}
	if title != d.TitleVI || english != d.TitleEN {
		if d, err = s.Catalog.NameDistribution(c.ctx, c.who, id, title, english); err != nil {
			return nil, err
		}
	}
	return s.resource(d), nil
}

// resourceDelete refuses: versions of files are only ever added.
func resourceDelete(s *Server, c *call) (any, error) {
	if _, err := resourceShow(s, c); err != nil {
		return nil, err
	}
	return nil, denied("a file stays with all its versions; package_delete withdraws the dataset")
}
