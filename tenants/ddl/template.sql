-- version: 2fb6db5552e08ce9
-- level: 17
-- sha256: 8e886b01222436265e14e29fcdf51542eeda039f8b3efb3634d3e4efa58cc551
CREATE TABLE __tenant__.cohorts_cohort (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    name character varying(120) NOT NULL,
    starts_on date,
    leave_rule character varying(10) NOT NULL,
    run_id uuid
);
CREATE TABLE __tenant__.cohorts_cohortmember (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    left_at timestamp with time zone,
    cohort_id uuid NOT NULL,
    member_id uuid NOT NULL
);
CREATE TABLE __tenant__.cohorts_cohortright (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    content_object_id uuid NOT NULL,
    permission_id integer NOT NULL,
    user_id uuid NOT NULL
);
CREATE TABLE __tenant__.courses_category (
    parent_id uuid,
    image_id uuid,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    slug character varying(80) NOT NULL,
    name character varying(100) NOT NULL,
    icon character varying(40) NOT NULL,
    colour character varying(7) NOT NULL,
    is_featured boolean NOT NULL,
    is_active boolean NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT courses_category_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.courses_course (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    slug character varying(80) NOT NULL,
    title character varying(200) NOT NULL,
    summary character varying(1000) NOT NULL,
    language character varying(12) NOT NULL,
    state character varying(16) NOT NULL,
    deleted_at timestamp with time zone,
    owner_id uuid NOT NULL,
    current_version_id uuid,
    access_days integer,
    access_type character varying(12) DEFAULT 'lifetime'::character varying NOT NULL,
    audience jsonb DEFAULT '[]'::jsonb NOT NULL,
    caption_languages jsonb DEFAULT '[]'::jsonb NOT NULL,
    compare_at_minor bigint,
    currency character varying(3) DEFAULT ''::character varying NOT NULL,
    discount_percent smallint,
    flags jsonb DEFAULT '[]'::jsonb NOT NULL,
    is_listed boolean DEFAULT true NOT NULL,
    level character varying(12) DEFAULT 'all'::character varying NOT NULL,
    outcomes jsonb DEFAULT '[]'::jsonb NOT NULL,
    price_minor bigint,
    price_type character varying(12) DEFAULT 'free'::character varying NOT NULL,
    requirements jsonb DEFAULT '[]'::jsonb NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    seo jsonb DEFAULT '{}'::jsonb NOT NULL,
    state_changed_at timestamp with time zone,
    state_reason character varying(1000) DEFAULT ''::character varying NOT NULL,
    switches jsonb DEFAULT '{}'::jsonb NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    translations jsonb DEFAULT '{}'::jsonb NOT NULL,
    category_id uuid,
    subcategory_id uuid,
    archived_from character varying(16) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT courses_course_access_days_check CHECK ((access_days >= 0)),
    CONSTRAINT courses_course_compare_at_minor_check CHECK ((compare_at_minor >= 0)),
    CONSTRAINT courses_course_discount_percent_check CHECK ((discount_percent >= 0)),
    CONSTRAINT courses_course_price_minor_check CHECK ((price_minor >= 0)),
    CONSTRAINT courses_course_revision_check CHECK ((revision >= 0))
);
CREATE TABLE __tenant__.courses_courseinstructor (
    member_id uuid NOT NULL,
    course_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    role character varying(16) NOT NULL,
    share_percent numeric(5,2) NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT courses_courseinstructor_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.courses_courseprerequisite (
    needs_id uuid NOT NULL,
    course_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    kind character varying(12) NOT NULL,
    CONSTRAINT course_needs_another CHECK ((NOT (course_id = needs_id)))
);
CREATE TABLE __tenant__.courses_courserelation (
    other_id uuid NOT NULL,
    course_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    kind character varying(16) NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT course_relates_to_another CHECK ((NOT (course_id = other_id))),
    CONSTRAINT courses_courserelation_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.courses_courseright (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    content_object_id uuid NOT NULL,
    permission_id integer NOT NULL,
    user_id uuid NOT NULL
);
CREATE TABLE __tenant__.courses_courseversion (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    number integer NOT NULL,
    state character varying(12) NOT NULL,
    revision integer NOT NULL,
    note character varying(500) NOT NULL,
    content_hash character varying(64) NOT NULL,
    lesson_count integer NOT NULL,
    required_count integer NOT NULL,
    published_at timestamp with time zone,
    published_by_id uuid,
    based_on_id uuid,
    course_id uuid NOT NULL,
    approved_revision integer,
    minutes integer DEFAULT 0 NOT NULL,
    module_count integer DEFAULT 0 NOT NULL,
    resource_count integer DEFAULT 0 NOT NULL,
    rules jsonb DEFAULT '{}'::jsonb NOT NULL,
    editor_ids jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT courses_courseversion_approved_revision_check CHECK ((approved_revision >= 0)),
    CONSTRAINT courses_courseversion_lesson_count_check CHECK ((lesson_count >= 0)),
    CONSTRAINT courses_courseversion_minutes_check CHECK ((minutes >= 0)),
    CONSTRAINT courses_courseversion_module_count_check CHECK ((module_count >= 0)),
    CONSTRAINT courses_courseversion_number_check CHECK ((number >= 0)),
    CONSTRAINT courses_courseversion_required_count_check CHECK ((required_count >= 0)),
    CONSTRAINT courses_courseversion_resource_count_check CHECK ((resource_count >= 0)),
    CONSTRAINT courses_courseversion_revision_check CHECK ((revision >= 0))
);
CREATE TABLE __tenant__.courses_coursevisit (
    member_id uuid NOT NULL,
    course_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    views integer NOT NULL,
    CONSTRAINT courses_coursevisit_views_check CHECK ((views >= 0))
);
CREATE TABLE __tenant__.courses_instructorprofile (
    member_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    headline character varying(200) NOT NULL,
    short_bio character varying(500) NOT NULL,
    bio text NOT NULL,
    bio_html text NOT NULL,
    expertise jsonb NOT NULL,
    links jsonb NOT NULL,
    certifications jsonb NOT NULL,
    achievements jsonb NOT NULL,
    state character varying(12) NOT NULL,
    state_reason character varying(1000) NOT NULL,
    state_changed_at timestamp with time zone
);
CREATE TABLE __tenant__.courses_lesson (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    key character varying(80) NOT NULL,
    title character varying(200) NOT NULL,
    kind character varying(12) NOT NULL,
    "position" integer NOT NULL,
    is_published boolean NOT NULL,
    is_required boolean NOT NULL,
    minutes smallint NOT NULL,
    body_format character varying(10) NOT NULL,
    body text NOT NULL,
    body_html text NOT NULL,
    embed_url character varying(500) NOT NULL,
    document_id uuid,
    version_id uuid NOT NULL,
    module_id uuid NOT NULL,
    due jsonb,
    duration_seconds integer DEFAULT 0 NOT NULL,
    is_downloadable boolean DEFAULT true NOT NULL,
    is_preview boolean DEFAULT false NOT NULL,
    linked_id uuid,
    media_url character varying(500) DEFAULT ''::character varying NOT NULL,
    parent_id uuid,
    release jsonb,
    requires jsonb DEFAULT '[]'::jsonb NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    weight smallint DEFAULT 1 NOT NULL,
    text_id uuid,
    CONSTRAINT courses_lesson_duration_seconds_check CHECK ((duration_seconds >= 0)),
    CONSTRAINT courses_lesson_minutes_check CHECK ((minutes >= 0)),
    CONSTRAINT courses_lesson_position_check CHECK (("position" >= 0)),
    CONSTRAINT courses_lesson_revision_check CHECK ((revision >= 0)),
    CONSTRAINT courses_lesson_weight_check CHECK ((weight >= 0))
);
CREATE TABLE __tenant__.courses_lessonresource (
    version_id uuid NOT NULL,
    lesson_id uuid NOT NULL,
    file_id uuid,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    title character varying(200) NOT NULL,
    url character varying(500) NOT NULL,
    "position" integer NOT NULL,
    is_downloadable boolean NOT NULL,
    CONSTRAINT courses_lessonresource_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.courses_lessontext (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    body_format character varying(10) NOT NULL,
    body text NOT NULL,
    body_html text NOT NULL,
    digest character varying(64) NOT NULL
);
CREATE TABLE __tenant__.courses_module (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    key character varying(80) NOT NULL,
    title character varying(200) NOT NULL,
    summary character varying(1000) NOT NULL,
    "position" integer NOT NULL,
    version_id uuid NOT NULL,
    due jsonb,
    release jsonb,
    requires jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT courses_module_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.courses_translation (
    version_id uuid NOT NULL,
    text_id uuid,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    language character varying(12) NOT NULL,
    title character varying(200) NOT NULL,
    summary character varying(1000) NOT NULL
);
CREATE TABLE __tenant__.courses_versionreview (
    version_id uuid NOT NULL,
    submitted_by_id uuid,
    decided_by_id uuid,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    state character varying(12) NOT NULL,
    message character varying(1000) NOT NULL,
    decided_at timestamp with time zone,
    reason character varying(1000) NOT NULL,
    CONSTRAINT courses_versionreview_revision_check CHECK ((revision >= 0))
);
CREATE TABLE __tenant__.courses_workingcopy (
    member_id uuid NOT NULL,
    lesson_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    based_on_revision integer NOT NULL,
    CONSTRAINT courses_workingcopy_based_on_revision_check CHECK ((based_on_revision >= 0))
);
CREATE TABLE __tenant__.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);
ALTER TABLE __tenant__.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME __tenant__.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE __tenant__.learning_courseprogress (
    enrollment_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    completed_count integer NOT NULL,
    required_completed_count integer NOT NULL,
    last_accessed_at timestamp with time zone,
    last_lesson_id uuid,
    completed_weight integer DEFAULT 0 NOT NULL,
    CONSTRAINT learning_courseprogress_completed_count_check CHECK ((completed_count >= 0)),
    CONSTRAINT learning_courseprogress_completed_weight_check CHECK ((completed_weight >= 0)),
    CONSTRAINT learning_courseprogress_required_completed_count_check CHECK ((required_completed_count >= 0))
);
CREATE TABLE __tenant__.learning_enrollmentattempt (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    number smallint NOT NULL,
    state character varying(12) NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    ended_at timestamp with time zone NOT NULL,
    completed_count integer NOT NULL,
    total integer NOT NULL,
    percent smallint NOT NULL,
    reason character varying(300) NOT NULL,
    ended_by_id uuid,
    enrollment_id uuid NOT NULL,
    version_id uuid NOT NULL,
    CONSTRAINT learning_enrollmentattempt_completed_count_check CHECK ((completed_count >= 0)),
    CONSTRAINT learning_enrollmentattempt_number_check CHECK ((number >= 0)),
    CONSTRAINT learning_enrollmentattempt_percent_check CHECK ((percent >= 0)),
    CONSTRAINT learning_enrollmentattempt_total_check CHECK ((total >= 0))
);
CREATE TABLE __tenant__.learning_lessonmark (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    kind character varying(8) NOT NULL,
    position_seconds integer,
    colour character varying(7) NOT NULL,
    body text NOT NULL,
    enrollment_id uuid NOT NULL,
    CONSTRAINT learning_lessonmark_position_seconds_check CHECK ((position_seconds >= 0))
);
CREATE TABLE __tenant__.learning_lessonprogress (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone NOT NULL,
    enrollment_id uuid NOT NULL,
    lesson_id uuid NOT NULL
);
CREATE TABLE __tenant__.learning_lessonrecord (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    attempt smallint NOT NULL,
    lineage uuid NOT NULL,
    opened_at timestamp with time zone,
    completed_at timestamp with time zone,
    position_seconds integer NOT NULL,
    watched_seconds integer NOT NULL,
    reached_percent smallint NOT NULL,
    view_count integer NOT NULL,
    reported_at timestamp with time zone,
    move_id uuid,
    enrollment_id uuid NOT NULL,
    lesson_id uuid NOT NULL,
    CONSTRAINT learning_lessonrecord_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT learning_lessonrecord_position_seconds_check CHECK ((position_seconds >= 0)),
    CONSTRAINT learning_lessonrecord_reached_percent_check CHECK ((reached_percent >= 0)),
    CONSTRAINT learning_lessonrecord_view_count_check CHECK ((view_count >= 0)),
    CONSTRAINT learning_lessonrecord_watched_seconds_check CHECK ((watched_seconds >= 0))
);
CREATE TABLE __tenant__.learning_runmove (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    mapping jsonb NOT NULL,
    summary jsonb NOT NULL,
    moved_by_id uuid,
    undo_until timestamp with time zone NOT NULL,
    undone_at timestamp with time zone,
    undone_by_id uuid,
    from_version_id uuid NOT NULL,
    run_id uuid NOT NULL,
    to_version_id uuid NOT NULL
);
CREATE TABLE __tenant__.learning_runmovelearner (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    enrollment_id uuid NOT NULL,
    move_id uuid NOT NULL
);
CREATE TABLE __tenant__.media_storedfile (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    name character varying(200) NOT NULL,
    content_type character varying(100) NOT NULL,
    size bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    storage_key character varying(120) NOT NULL,
    uploaded_by_id uuid,
    alt_text character varying(300) DEFAULT ''::character varying NOT NULL,
    caption character varying(500) DEFAULT ''::character varying NOT NULL,
    height integer,
    width integer,
    CONSTRAINT media_storedfile_height_check CHECK ((height >= 0)),
    CONSTRAINT media_storedfile_size_check CHECK ((size >= 0)),
    CONSTRAINT media_storedfile_width_check CHECK ((width >= 0))
);
CREATE TABLE __tenant__.paths_learningpath (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    slug character varying(80) NOT NULL,
    title character varying(200) NOT NULL,
    summary character varying(1000) NOT NULL,
    level character varying(12) NOT NULL,
    hours smallint NOT NULL,
    outcomes jsonb NOT NULL,
    is_sequential boolean NOT NULL,
    is_open_to_members boolean NOT NULL,
    price_type character varying(12) NOT NULL,
    price_minor bigint,
    currency character varying(3) NOT NULL,
    state character varying(12) NOT NULL,
    revision integer NOT NULL,
    deleted_at timestamp with time zone,
    owner_id uuid NOT NULL,
    CONSTRAINT paths_learningpath_hours_check CHECK ((hours >= 0)),
    CONSTRAINT paths_learningpath_price_minor_check CHECK ((price_minor >= 0)),
    CONSTRAINT paths_learningpath_revision_check CHECK ((revision >= 0))
);
CREATE TABLE __tenant__.paths_pathenrollment (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state character varying(12) NOT NULL,
    enrolled_by_id uuid,
    started_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    paused_at timestamp with time zone,
    paused_seconds bigint NOT NULL,
    percent smallint NOT NULL,
    member_id uuid NOT NULL,
    path_id uuid NOT NULL,
    current_step_id uuid,
    CONSTRAINT paths_pathenrollment_paused_seconds_check CHECK ((paused_seconds >= 0)),
    CONSTRAINT paths_pathenrollment_percent_check CHECK ((percent >= 0))
);
CREATE TABLE __tenant__.paths_pathright (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    content_object_id uuid NOT NULL,
    permission_id integer NOT NULL,
    user_id uuid NOT NULL
);
CREATE TABLE __tenant__.paths_pathstep (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    kind character varying(12) NOT NULL,
    title character varying(200) NOT NULL,
    summary character varying(1000) NOT NULL,
    "position" integer NOT NULL,
    is_required boolean NOT NULL,
    is_locked boolean NOT NULL,
    due_days smallint,
    pass_percent smallint,
    is_by_hand boolean NOT NULL,
    removed_at timestamp with time zone,
    course_id uuid,
    path_id uuid NOT NULL,
    run_id uuid,
    CONSTRAINT course_steps_have_a_course CHECK ((((course_id IS NOT NULL) AND ((kind)::text = 'course'::text)) OR ((NOT ((kind)::text = 'course'::text)) AND (course_id IS NULL)))),
    CONSTRAINT paths_pathstep_due_days_check CHECK ((due_days >= 0)),
    CONSTRAINT paths_pathstep_pass_percent_check CHECK ((pass_percent >= 0)),
    CONSTRAINT paths_pathstep_position_check CHECK (("position" >= 0))
);
CREATE TABLE __tenant__.paths_steprecord (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state character varying(12) NOT NULL,
    course_enrollment_id uuid,
    submission text NOT NULL,
    submission_url character varying(500) NOT NULL,
    submitted_at timestamp with time zone,
    score_percent smallint,
    reason character varying(1000) NOT NULL,
    decided_by_id uuid,
    completed_at timestamp with time zone,
    enrollment_id uuid NOT NULL,
    step_id uuid NOT NULL,
    CONSTRAINT paths_steprecord_score_percent_check CHECK ((score_percent >= 0))
);
CREATE TABLE __tenant__.people_member (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    email character varying(254) NOT NULL,
    employee_id character varying(64) NOT NULL,
    first_name character varying(100) NOT NULL,
    last_name character varying(100) NOT NULL,
    job_title character varying(150) NOT NULL,
    department character varying(150) NOT NULL,
    location character varying(150) NOT NULL,
    timezone character varying(64) NOT NULL,
    language character varying(12) NOT NULL,
    starts_on date,
    manager_id uuid,
    user_id uuid NOT NULL
);
CREATE TABLE __tenant__.rosters_rosterimport (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    file_name character varying(200) NOT NULL,
    file_sha256 character varying(64) NOT NULL,
    file_size integer NOT NULL,
    encoding character varying(20) NOT NULL,
    delimiter character varying(2) NOT NULL,
    columns jsonb NOT NULL,
    ignored_columns jsonb NOT NULL,
    options jsonb NOT NULL,
    state character varying(10) NOT NULL,
    counts jsonb NOT NULL,
    seats_needed integer NOT NULL,
    seats_free integer NOT NULL,
    job_id uuid,
    applied_at timestamp with time zone,
    uploaded_by_id uuid,
    CONSTRAINT rosters_rosterimport_file_size_check CHECK ((file_size >= 0)),
    CONSTRAINT rosters_rosterimport_seats_free_check CHECK ((seats_free >= 0)),
    CONSTRAINT rosters_rosterimport_seats_needed_check CHECK ((seats_needed >= 0))
);
CREATE TABLE __tenant__.rosters_rosterrow (
    number integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    action character varying(8) NOT NULL,
    "values" jsonb NOT NULL,
    changes jsonb NOT NULL,
    issues jsonb NOT NULL,
    result character varying(10) NOT NULL,
    result_code character varying(60) NOT NULL,
    member_id uuid,
    roster_id uuid NOT NULL,
    CONSTRAINT rosters_rosterrow_number_check CHECK ((number >= 0))
);
CREATE TABLE __tenant__.runs_accessgrant (
    enrollment_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    source character varying(12) NOT NULL,
    reference character varying(64) NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    revoked_at timestamp with time zone,
    reason character varying(300) NOT NULL,
    granted_by_id uuid
);
CREATE TABLE __tenant__.runs_courserun (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    title character varying(200) NOT NULL,
    state character varying(12) NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    timezone character varying(64) NOT NULL,
    capacity integer,
    course_id uuid NOT NULL,
    version_id uuid NOT NULL,
    currency character varying(3) DEFAULT ''::character varying NOT NULL,
    ends_local character varying(16) DEFAULT ''::character varying NOT NULL,
    enrollment_closes_at timestamp with time zone,
    enrollment_closes_local character varying(16) DEFAULT ''::character varying NOT NULL,
    enrollment_opens_at timestamp with time zone,
    enrollment_opens_local character varying(16) DEFAULT ''::character varying NOT NULL,
    has_waiting_list boolean DEFAULT false NOT NULL,
    is_always_open boolean DEFAULT false NOT NULL,
    is_open_to_members boolean DEFAULT false NOT NULL,
    pacing character varying(12) DEFAULT 'scheduled'::character varying NOT NULL,
    price_minor bigint,
    starts_local character varying(16) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT run_ends_after_start CHECK (((starts_at IS NULL) OR (ends_at IS NULL) OR (ends_at > starts_at))),
    CONSTRAINT runs_courserun_capacity_check CHECK ((capacity >= 0)),
    CONSTRAINT runs_courserun_price_minor_check CHECK ((price_minor >= 0))
);
CREATE TABLE __tenant__.runs_enrollment (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state character varying(12) NOT NULL,
    source character varying(12) NOT NULL,
    enrolled_by_id uuid,
    activated_at timestamp with time zone,
    completed_at timestamp with time zone,
    expires_at timestamp with time zone,
    member_id uuid NOT NULL,
    run_id uuid NOT NULL,
    attempt smallint DEFAULT 1 NOT NULL,
    order_id uuid,
    price_currency character varying(3) DEFAULT ''::character varying NOT NULL,
    price_paid_minor bigint,
    started_at timestamp with time zone,
    state_reason character varying(300) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT runs_enrollment_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT runs_enrollment_price_paid_minor_check CHECK ((price_paid_minor >= 0))
);
CREATE TABLE __tenant__.runs_rundate (
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lineage uuid NOT NULL,
    opens_local character varying(16) NOT NULL,
    due_local character varying(16) NOT NULL
);
CREATE TABLE __tenant__.runs_runright (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    content_object_id uuid NOT NULL,
    permission_id integer NOT NULL,
    user_id uuid NOT NULL
);
CREATE TABLE __tenant__.runs_waitingplace (
    run_id uuid NOT NULL,
    member_id uuid NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    source character varying(12) NOT NULL,
    asked_by_id uuid
);
ALTER TABLE ONLY __tenant__.cohorts_cohort
    ADD CONSTRAINT cohorts_cohort_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.cohorts_cohortmember
    ADD CONSTRAINT cohorts_cohortmember_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.cohorts_cohortright
    ADD CONSTRAINT cohorts_cohortright_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.cohorts_cohortright
    ADD CONSTRAINT cohorts_cohortright_user_id_permission_id_co_e2f023e4_uniq UNIQUE (user_id, permission_id, content_object_id);
ALTER TABLE ONLY __tenant__.courses_category
    ADD CONSTRAINT courses_category_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_course
    ADD CONSTRAINT courses_course_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_courseinstructor
    ADD CONSTRAINT courses_courseinstructor_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_courseprerequisite
    ADD CONSTRAINT courses_courseprerequisite_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_courserelation
    ADD CONSTRAINT courses_courserelation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_courseright
    ADD CONSTRAINT courses_courseright_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_courseright
    ADD CONSTRAINT courses_courseright_user_id_permission_id_co_2eb7f712_uniq UNIQUE (user_id, permission_id, content_object_id);
ALTER TABLE ONLY __tenant__.courses_courseversion
    ADD CONSTRAINT courses_courseversion_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_coursevisit
    ADD CONSTRAINT courses_coursevisit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_instructorprofile
    ADD CONSTRAINT courses_instructorprofile_pkey PRIMARY KEY (member_id);
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT courses_lessonresource_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_lessontext
    ADD CONSTRAINT courses_lessontext_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_module
    ADD CONSTRAINT courses_module_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_translation
    ADD CONSTRAINT courses_translation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_versionreview
    ADD CONSTRAINT courses_versionreview_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.courses_workingcopy
    ADD CONSTRAINT courses_workingcopy_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_courseprogress
    ADD CONSTRAINT learning_courseprogress_pkey PRIMARY KEY (enrollment_id);
ALTER TABLE ONLY __tenant__.learning_enrollmentattempt
    ADD CONSTRAINT learning_enrollmentattempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_lessonmark
    ADD CONSTRAINT learning_lessonmark_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_lessonprogress
    ADD CONSTRAINT learning_lessonprogress_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_lessonrecord
    ADD CONSTRAINT learning_lessonrecord_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_runmove
    ADD CONSTRAINT learning_runmove_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.learning_runmovelearner
    ADD CONSTRAINT learning_runmovelearner_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.media_storedfile
    ADD CONSTRAINT media_storedfile_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.media_storedfile
    ADD CONSTRAINT media_storedfile_storage_key_key UNIQUE (storage_key);
ALTER TABLE ONLY __tenant__.learning_enrollmentattempt
    ADD CONSTRAINT one_attempt_per_number UNIQUE (enrollment_id, number);
ALTER TABLE ONLY __tenant__.courses_category
    ADD CONSTRAINT one_category_per_slug UNIQUE (slug);
ALTER TABLE ONLY __tenant__.cohorts_cohort
    ADD CONSTRAINT one_cohort_per_name UNIQUE (name);
ALTER TABLE ONLY __tenant__.learning_lessonprogress
    ADD CONSTRAINT one_completion_per_lesson UNIQUE (enrollment_id, lesson_id);
ALTER TABLE ONLY __tenant__.runs_rundate
    ADD CONSTRAINT one_date_per_unit UNIQUE (run_id, lineage);
ALTER TABLE ONLY __tenant__.learning_runmovelearner
    ADD CONSTRAINT one_effect_per_learner UNIQUE (move_id, enrollment_id);
ALTER TABLE ONLY __tenant__.runs_enrollment
    ADD CONSTRAINT one_enrollment_per_member UNIQUE (run_id, member_id);
ALTER TABLE ONLY __tenant__.media_storedfile
    ADD CONSTRAINT one_file_per_content UNIQUE (sha256, name);
ALTER TABLE ONLY __tenant__.runs_accessgrant
    ADD CONSTRAINT one_grant_per_source UNIQUE (enrollment_id, source, reference);
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT one_lesson_per_lineage UNIQUE (version_id, lineage);
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT one_lesson_per_place UNIQUE NULLS NOT DISTINCT (module_id, parent_id, "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.people_member
    ADD CONSTRAINT one_member_per_email UNIQUE (email);
ALTER TABLE ONLY __tenant__.courses_module
    ADD CONSTRAINT one_module_per_lineage UNIQUE (version_id, lineage);
ALTER TABLE ONLY __tenant__.courses_module
    ADD CONSTRAINT one_module_per_position UNIQUE (version_id, "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseinstructor
    ADD CONSTRAINT one_part_per_instructor UNIQUE (course_id, member_id);
ALTER TABLE ONLY __tenant__.cohorts_cohortmember
    ADD CONSTRAINT one_place_per_cohort UNIQUE (cohort_id, member_id);
ALTER TABLE ONLY __tenant__.paths_pathenrollment
    ADD CONSTRAINT one_place_per_path UNIQUE (path_id, member_id);
ALTER TABLE ONLY __tenant__.courses_courseprerequisite
    ADD CONSTRAINT one_prerequisite_per_course UNIQUE (course_id, needs_id);
ALTER TABLE ONLY __tenant__.learning_lessonrecord
    ADD CONSTRAINT one_record_per_lesson UNIQUE (enrollment_id, attempt, lineage);
ALTER TABLE ONLY __tenant__.paths_steprecord
    ADD CONSTRAINT one_record_per_step UNIQUE (enrollment_id, step_id);
ALTER TABLE ONLY __tenant__.courses_courserelation
    ADD CONSTRAINT one_relation_per_course UNIQUE (course_id, kind, other_id);
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT one_resource_per_lineage UNIQUE (version_id, lineage);
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT one_resource_per_position UNIQUE (lesson_id, "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_translation
    ADD CONSTRAINT one_translation_per_language UNIQUE (version_id, lineage, language);
ALTER TABLE ONLY __tenant__.courses_courseversion
    ADD CONSTRAINT one_version_per_number UNIQUE (course_id, number);
ALTER TABLE ONLY __tenant__.courses_coursevisit
    ADD CONSTRAINT one_visit_per_member UNIQUE (course_id, member_id);
ALTER TABLE ONLY __tenant__.runs_waitingplace
    ADD CONSTRAINT one_waiting_place_per_member UNIQUE (run_id, member_id);
ALTER TABLE ONLY __tenant__.courses_workingcopy
    ADD CONSTRAINT one_working_copy_per_member UNIQUE (lesson_id, member_id);
ALTER TABLE ONLY __tenant__.paths_learningpath
    ADD CONSTRAINT paths_learningpath_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.paths_pathenrollment
    ADD CONSTRAINT paths_pathenrollment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.paths_pathright
    ADD CONSTRAINT paths_pathright_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.paths_pathright
    ADD CONSTRAINT paths_pathright_user_id_permission_id_co_a4c1c216_uniq UNIQUE (user_id, permission_id, content_object_id);
ALTER TABLE ONLY __tenant__.paths_pathstep
    ADD CONSTRAINT paths_pathstep_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.paths_steprecord
    ADD CONSTRAINT paths_steprecord_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.people_member
    ADD CONSTRAINT people_member_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.people_member
    ADD CONSTRAINT people_member_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY __tenant__.rosters_rosterimport
    ADD CONSTRAINT rosters_rosterimport_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.rosters_rosterrow
    ADD CONSTRAINT rosters_rosterrow_pkey PRIMARY KEY (roster_id, number);
ALTER TABLE ONLY __tenant__.runs_accessgrant
    ADD CONSTRAINT runs_accessgrant_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.runs_courserun
    ADD CONSTRAINT runs_courserun_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.runs_enrollment
    ADD CONSTRAINT runs_enrollment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.runs_rundate
    ADD CONSTRAINT runs_rundate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.runs_runright
    ADD CONSTRAINT runs_runright_pkey PRIMARY KEY (id);
ALTER TABLE ONLY __tenant__.runs_runright
    ADD CONSTRAINT runs_runright_user_id_permission_id_co_8ea064cc_uniq UNIQUE (user_id, permission_id, content_object_id);
ALTER TABLE ONLY __tenant__.runs_waitingplace
    ADD CONSTRAINT runs_waitingplace_pkey PRIMARY KEY (id);
CREATE INDEX cohorts_cohort_run_id_8381e9fa ON __tenant__.cohorts_cohort USING btree (run_id);
CREATE INDEX cohorts_cohortmember_member_id_c4150165 ON __tenant__.cohorts_cohortmember USING btree (member_id);
CREATE INDEX cohorts_cohortright_content_object_id_d847b2b6 ON __tenant__.cohorts_cohortright USING btree (content_object_id);
CREATE INDEX cohorts_cohortright_user_id_c3671496 ON __tenant__.cohorts_cohortright USING btree (user_id);
CREATE INDEX courses_course_owner_id_97a468c6 ON __tenant__.courses_course USING btree (owner_id);
CREATE INDEX courses_courseinstructor_member_id_ef34252f ON __tenant__.courses_courseinstructor USING btree (member_id);
CREATE INDEX courses_courseright_content_object_id_364210d6 ON __tenant__.courses_courseright USING btree (content_object_id);
CREATE INDEX courses_courseright_user_id_167e63b4 ON __tenant__.courses_courseright USING btree (user_id);
CREATE INDEX courses_lesson_text_id_0913adb9 ON __tenant__.courses_lesson USING btree (text_id);
CREATE INDEX courses_translation_text_id_5271ac62 ON __tenant__.courses_translation USING btree (text_id);
CREATE INDEX enrollments_to_expire ON __tenant__.runs_enrollment USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX marks_by_enrollment ON __tenant__.learning_lessonmark USING btree (enrollment_id);
CREATE INDEX media_storedfile_storage_key_4fa67bae_like ON __tenant__.media_storedfile USING btree (storage_key varchar_pattern_ops);
CREATE INDEX members_by_name ON __tenant__.people_member USING btree (last_name, first_name, id);
CREATE INDEX moves_by_run ON __tenant__.learning_runmove USING btree (run_id);
CREATE UNIQUE INDEX one_always_open_run_per_course ON __tenant__.runs_courserun USING btree (course_id) WHERE (is_always_open AND (NOT ((state)::text = 'cancelled'::text)));
CREATE UNIQUE INDEX one_live_course_per_slug ON __tenant__.courses_course USING btree (slug) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX one_live_path_per_slug ON __tenant__.paths_learningpath USING btree (slug) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX one_member_per_employee_id ON __tenant__.people_member USING btree (employee_id) WHERE (NOT ((employee_id)::text = ''::text));
CREATE UNIQUE INDEX one_pending_review_per_version ON __tenant__.courses_versionreview USING btree (version_id) WHERE ((state)::text = 'pending'::text);
CREATE UNIQUE INDEX one_primary_per_course ON __tenant__.courses_courseinstructor USING btree (course_id) WHERE ((role)::text = 'primary'::text);
CREATE INDEX paths_pathenrollment_member_id_5ad2f29c ON __tenant__.paths_pathenrollment USING btree (member_id);
CREATE INDEX paths_pathright_content_object_id_0b953bd7 ON __tenant__.paths_pathright USING btree (content_object_id);
CREATE INDEX paths_pathright_user_id_144ac11b ON __tenant__.paths_pathright USING btree (user_id);
CREATE INDEX paths_pathstep_course_id_f0481ddc ON __tenant__.paths_pathstep USING btree (course_id);
CREATE INDEX people_member_manager_id_ed26ecf7 ON __tenant__.people_member USING btree (manager_id);
CREATE INDEX reviews_by_version ON __tenant__.courses_versionreview USING btree (version_id);
CREATE INDEX runs_courserun_course_id_d57cd194 ON __tenant__.runs_courserun USING btree (course_id);
CREATE INDEX runs_enrollment_member_id_1716c115 ON __tenant__.runs_enrollment USING btree (member_id);
CREATE INDEX runs_runright_content_object_id_3fa1b9a6 ON __tenant__.runs_runright USING btree (content_object_id);
CREATE INDEX runs_runright_user_id_14319508 ON __tenant__.runs_runright USING btree (user_id);
CREATE INDEX runs_waitingplace_member_id_81ba230d ON __tenant__.runs_waitingplace USING btree (member_id);
CREATE INDEX steps_by_path ON __tenant__.paths_pathstep USING btree (path_id);
CREATE TRIGGER courses_lesson_frozen_delete AFTER DELETE ON __tenant__.courses_lesson REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lesson_frozen_insert AFTER INSERT ON __tenant__.courses_lesson REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lesson_frozen_update AFTER UPDATE ON __tenant__.courses_lesson REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lessonresource_frozen_delete AFTER DELETE ON __tenant__.courses_lessonresource REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lessonresource_frozen_insert AFTER INSERT ON __tenant__.courses_lessonresource REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lessonresource_frozen_update AFTER UPDATE ON __tenant__.courses_lessonresource REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_lessontext_fixed BEFORE UPDATE ON __tenant__.courses_lessontext FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER courses_module_frozen_delete AFTER DELETE ON __tenant__.courses_module REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_module_frozen_insert AFTER INSERT ON __tenant__.courses_module REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_module_frozen_update AFTER UPDATE ON __tenant__.courses_module REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_translation_frozen_delete AFTER DELETE ON __tenant__.courses_translation REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_translation_frozen_insert AFTER INSERT ON __tenant__.courses_translation REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_translation_frozen_update AFTER UPDATE ON __tenant__.courses_translation REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_frozen_content();
CREATE TRIGGER courses_version_frozen BEFORE DELETE OR UPDATE ON __tenant__.courses_courseversion FOR EACH ROW EXECUTE FUNCTION public.refuse_frozen_version();
CREATE TRIGGER learning_lessonprogress_passed_on AFTER INSERT ON __tenant__.learning_lessonprogress FOR EACH ROW EXECUTE FUNCTION public.pass_on_completion();
ALTER TABLE ONLY __tenant__.cohorts_cohort
    ADD CONSTRAINT cohorts_cohort_run_id_8381e9fa_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.cohorts_cohortmember
    ADD CONSTRAINT cohorts_cohortmember_cohort_id_2843cde4_fk_cohorts_cohort_id FOREIGN KEY (cohort_id) REFERENCES __tenant__.cohorts_cohort(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.cohorts_cohortmember
    ADD CONSTRAINT cohorts_cohortmember_member_id_c4150165_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.cohorts_cohortright
    ADD CONSTRAINT cohorts_cohortright_content_object_id_d847b2b6_fk_cohorts_c FOREIGN KEY (content_object_id) REFERENCES __tenant__.cohorts_cohort(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_category
    ADD CONSTRAINT courses_category_image_id_dd0fb17a_fk_media_storedfile_id FOREIGN KEY (image_id) REFERENCES __tenant__.media_storedfile(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_category
    ADD CONSTRAINT courses_category_parent_id_5fb86d36_fk_courses_category_id FOREIGN KEY (parent_id) REFERENCES __tenant__.courses_category(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_course
    ADD CONSTRAINT courses_course_category_id_d64b93bf_fk_courses_category_id FOREIGN KEY (category_id) REFERENCES __tenant__.courses_category(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_course
    ADD CONSTRAINT courses_course_current_version_id_dd30d6fa_fk_courses_c FOREIGN KEY (current_version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_course
    ADD CONSTRAINT courses_course_owner_id_97a468c6_fk_people_member_id FOREIGN KEY (owner_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_course
    ADD CONSTRAINT courses_course_subcategory_id_ce619eeb_fk_courses_category_id FOREIGN KEY (subcategory_id) REFERENCES __tenant__.courses_category(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseinstructor
    ADD CONSTRAINT courses_courseinstru_course_id_f8840880_fk_courses_c FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseinstructor
    ADD CONSTRAINT courses_courseinstructor_member_id_ef34252f_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseprerequisite
    ADD CONSTRAINT courses_courseprereq_course_id_66167648_fk_courses_c FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseprerequisite
    ADD CONSTRAINT courses_courseprereq_needs_id_22a91825_fk_courses_c FOREIGN KEY (needs_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courserelation
    ADD CONSTRAINT courses_courserelation_course_id_bfd7454b_fk_courses_course_id FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courserelation
    ADD CONSTRAINT courses_courserelation_other_id_f2934e5c_fk_courses_course_id FOREIGN KEY (other_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseright
    ADD CONSTRAINT courses_courseright_content_object_id_364210d6_fk_courses_c FOREIGN KEY (content_object_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseversion
    ADD CONSTRAINT courses_courseversio_based_on_id_9047c10e_fk_courses_c FOREIGN KEY (based_on_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_courseversion
    ADD CONSTRAINT courses_courseversion_course_id_67940d1a_fk_courses_course_id FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_coursevisit
    ADD CONSTRAINT courses_coursevisit_course_id_1f87d4f0_fk_courses_course_id FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_coursevisit
    ADD CONSTRAINT courses_coursevisit_member_id_bd323f16_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_instructorprofile
    ADD CONSTRAINT courses_instructorpr_member_id_34c0e5aa_fk_people_me FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_document_id_910edde2_fk_media_storedfile_id FOREIGN KEY (document_id) REFERENCES __tenant__.media_storedfile(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_module_id_41252914_fk_courses_module_id FOREIGN KEY (module_id) REFERENCES __tenant__.courses_module(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_parent_id_f3727e3f_fk_courses_lesson_id FOREIGN KEY (parent_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_text_id_0913adb9_fk_courses_lessontext_id FOREIGN KEY (text_id) REFERENCES __tenant__.courses_lessontext(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lesson
    ADD CONSTRAINT courses_lesson_version_id_08ab879a_fk_courses_courseversion_id FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT courses_lessonresour_version_id_48657fe4_fk_courses_c FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT courses_lessonresource_file_id_2c50f106_fk_media_storedfile_id FOREIGN KEY (file_id) REFERENCES __tenant__.media_storedfile(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_lessonresource
    ADD CONSTRAINT courses_lessonresource_lesson_id_8c9d4f54_fk_courses_lesson_id FOREIGN KEY (lesson_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_module
    ADD CONSTRAINT courses_module_version_id_feb98903_fk_courses_courseversion_id FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_translation
    ADD CONSTRAINT courses_translation_text_id_5271ac62_fk_courses_lessontext_id FOREIGN KEY (text_id) REFERENCES __tenant__.courses_lessontext(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_translation
    ADD CONSTRAINT courses_translation_version_id_32c041cd_fk_courses_c FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_versionreview
    ADD CONSTRAINT courses_versionrevie_decided_by_id_7b662222_fk_people_me FOREIGN KEY (decided_by_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_versionreview
    ADD CONSTRAINT courses_versionrevie_submitted_by_id_267fe9f9_fk_people_me FOREIGN KEY (submitted_by_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_versionreview
    ADD CONSTRAINT courses_versionrevie_version_id_9cb6c497_fk_courses_c FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_workingcopy
    ADD CONSTRAINT courses_workingcopy_lesson_id_7fbcdecd_fk_courses_lesson_id FOREIGN KEY (lesson_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.courses_workingcopy
    ADD CONSTRAINT courses_workingcopy_member_id_49ad5204_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_courseprogress
    ADD CONSTRAINT learning_courseprogr_enrollment_id_56950560_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_courseprogress
    ADD CONSTRAINT learning_courseprogr_last_lesson_id_cb340812_fk_courses_l FOREIGN KEY (last_lesson_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_enrollmentattempt
    ADD CONSTRAINT learning_enrollmenta_enrollment_id_ed2d103d_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_enrollmentattempt
    ADD CONSTRAINT learning_enrollmenta_version_id_c394e03e_fk_courses_c FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_lessonmark
    ADD CONSTRAINT learning_lessonmark_enrollment_id_77cca9bd_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_lessonprogress
    ADD CONSTRAINT learning_lessonprogr_enrollment_id_5c60e1bd_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_lessonprogress
    ADD CONSTRAINT learning_lessonprogress_lesson_id_1d70f579_fk_courses_lesson_id FOREIGN KEY (lesson_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_lessonrecord
    ADD CONSTRAINT learning_lessonrecor_enrollment_id_8da9ed0f_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_lessonrecord
    ADD CONSTRAINT learning_lessonrecord_lesson_id_59593ecc_fk_courses_lesson_id FOREIGN KEY (lesson_id) REFERENCES __tenant__.courses_lesson(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_runmove
    ADD CONSTRAINT learning_runmove_from_version_id_4772b452_fk_courses_c FOREIGN KEY (from_version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_runmove
    ADD CONSTRAINT learning_runmove_run_id_94099dc4_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_runmove
    ADD CONSTRAINT learning_runmove_to_version_id_9bb6cc9d_fk_courses_c FOREIGN KEY (to_version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_runmovelearner
    ADD CONSTRAINT learning_runmovelear_enrollment_id_3a085f5a_fk_runs_enro FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.learning_runmovelearner
    ADD CONSTRAINT learning_runmovelearner_move_id_37eac7fd_fk_learning_runmove_id FOREIGN KEY (move_id) REFERENCES __tenant__.learning_runmove(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.media_storedfile
    ADD CONSTRAINT media_storedfile_uploaded_by_id_c77ccb2d_fk_people_member_id FOREIGN KEY (uploaded_by_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_learningpath
    ADD CONSTRAINT paths_learningpath_owner_id_5620daaa_fk_people_member_id FOREIGN KEY (owner_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathenrollment
    ADD CONSTRAINT paths_pathenrollment_current_step_id_b734b6e2_fk_paths_pat FOREIGN KEY (current_step_id) REFERENCES __tenant__.paths_pathstep(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathenrollment
    ADD CONSTRAINT paths_pathenrollment_member_id_5ad2f29c_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathenrollment
    ADD CONSTRAINT paths_pathenrollment_path_id_57f792ea_fk_paths_learningpath_id FOREIGN KEY (path_id) REFERENCES __tenant__.paths_learningpath(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathright
    ADD CONSTRAINT paths_pathright_content_object_id_0b953bd7_fk_paths_lea FOREIGN KEY (content_object_id) REFERENCES __tenant__.paths_learningpath(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathstep
    ADD CONSTRAINT paths_pathstep_course_id_f0481ddc_fk_courses_course_id FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathstep
    ADD CONSTRAINT paths_pathstep_path_id_87494cea_fk_paths_learningpath_id FOREIGN KEY (path_id) REFERENCES __tenant__.paths_learningpath(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_pathstep
    ADD CONSTRAINT paths_pathstep_run_id_f4a2aae4_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_steprecord
    ADD CONSTRAINT paths_steprecord_enrollment_id_c5bce8d7_fk_paths_pat FOREIGN KEY (enrollment_id) REFERENCES __tenant__.paths_pathenrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.paths_steprecord
    ADD CONSTRAINT paths_steprecord_step_id_4ef43e73_fk_paths_pathstep_id FOREIGN KEY (step_id) REFERENCES __tenant__.paths_pathstep(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.people_member
    ADD CONSTRAINT people_member_manager_id_ed26ecf7_fk_people_member_id FOREIGN KEY (manager_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.rosters_rosterimport
    ADD CONSTRAINT rosters_rosterimport_uploaded_by_id_1334e9ed_fk_people_me FOREIGN KEY (uploaded_by_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.rosters_rosterrow
    ADD CONSTRAINT rosters_rosterrow_roster_id_a43db751_fk_rosters_rosterimport_id FOREIGN KEY (roster_id) REFERENCES __tenant__.rosters_rosterimport(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_accessgrant
    ADD CONSTRAINT runs_accessgrant_enrollment_id_5c31a045_fk_runs_enrollment_id FOREIGN KEY (enrollment_id) REFERENCES __tenant__.runs_enrollment(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_courserun
    ADD CONSTRAINT runs_courserun_course_id_d57cd194_fk_courses_course_id FOREIGN KEY (course_id) REFERENCES __tenant__.courses_course(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_courserun
    ADD CONSTRAINT runs_courserun_version_id_21dfa688_fk_courses_courseversion_id FOREIGN KEY (version_id) REFERENCES __tenant__.courses_courseversion(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_enrollment
    ADD CONSTRAINT runs_enrollment_member_id_1716c115_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_enrollment
    ADD CONSTRAINT runs_enrollment_run_id_cf3d5b04_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_rundate
    ADD CONSTRAINT runs_rundate_run_id_9735e3a7_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_runright
    ADD CONSTRAINT runs_runright_content_object_id_3fa1b9a6_fk_runs_courserun_id FOREIGN KEY (content_object_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_waitingplace
    ADD CONSTRAINT runs_waitingplace_member_id_81ba230d_fk_people_member_id FOREIGN KEY (member_id) REFERENCES __tenant__.people_member(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY __tenant__.runs_waitingplace
    ADD CONSTRAINT runs_waitingplace_run_id_04cc9761_fk_runs_courserun_id FOREIGN KEY (run_id) REFERENCES __tenant__.runs_courserun(id) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO __tenant__.django_migrations (app, name, applied) VALUES
('people', '0001_initial', now()),
('media', '0001_initial', now()),
('courses', '0001_initial', now()),
('runs', '0001_initial', now()),
('cohorts', '0001_initial', now()),
('courses', '0002_frozen_versions', now()),
('courses', '0003_courses_in_depth', now()),
('courses', '0004_shared_texts', now()),
('courses', '0005_editors_of_drafts', now()),
('runs', '0002_enrollment_in_depth', now()),
('learning', '0001_initial', now()),
('learning', '0002_records_by_lineage', now()),
('learning', '0003_completions_by_lineage', now()),
('media', '0002_library_facts', now()),
('runs', '0003_grants_of_enrollments', now()),
('paths', '0001_initial', now()),
('rosters', '0001_initial', now());
