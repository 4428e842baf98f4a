"""Refusals of courses, versions and lessons."""

from shared_apps.core.errors import Conflict, DomainError, InvalidInput, Kind


class SlugTaken(Conflict):
    """Another live course has the slug."""

    code = "course_slug_taken"
    title = "Another course uses this slug."
    advice = "Choose another slug, or rename or delete the other course first."


class CourseMoveRefused(Conflict):
    """The state machine of courses has no such move."""

    code = "course_move_refused"
    title = "The course's state does not allow this."
    advice = "`allowed` lists the states that can follow."


class CourseArchived(Conflict):
    """An archived course is not worked on."""

    code = "course_archived"
    title = "The course is archived."
    advice = "Take it out of the archive first."


class CourseNotDeleted(Conflict):
    """Only a deleted course can be restored."""

    code = "course_not_deleted"
    title = "The course is not deleted."


class VersionFrozen(Conflict):
    """A published version never changes."""

    code = "version_frozen"
    title = "A published version cannot be changed."
    advice = "Make a draft from it (POST /versions/{id}/draft) and change that."


class RevisionMissing(DomainError):
    """An edit that names no revision could overwrite somebody else's."""

    code = "if_match_required"
    kind = Kind.PRECONDITION_REQUIRED
    title = "Say which state you are changing."
    advice = "Send the ETag of the version you read as If-Match."


class VersionNotPublishable(Conflict):
    """Something in the draft would not work for learners; `problems` lists each with its lesson."""

    code = "version_not_publishable"
    title = "The draft is not ready to be published."
    advice = "Mend what `problems` lists, then publish again."


class OrderIncomplete(InvalidInput):
    """An order must name everything exactly once."""

    code = "order_incomplete"
    title = "The order does not name exactly the modules and lessons that are there."
    advice = (
        "Read the version again; name every id once. `missing`, `unknown` and `repeated` say what is off."
    )


class UnknownModule(InvalidInput):
    """No such module in this version."""

    code = "unknown_module"
    title = "The version has no such module."


class UnknownDocument(InvalidInput):
    """No such file in the organization."""

    code = "unknown_document"
    title = "There is no such file."
    advice = "Upload it with POST /files and send the id of the answer."


class UnknownVersion(InvalidInput):
    """No such version of this course."""

    code = "unknown_version"
    title = "The course has no such version."


class UnknownMember(InvalidInput):
    """No such active member."""

    code = "unknown_member"
    title = "There is no such active member here."
    advice = "Check the id in the list of members."


class MemberCannotAuthor(Conflict):
    """The member's role can hold no rights on courses."""

    code = "member_cannot_author"
    title = "The member's role cannot hold rights on courses."
    advice = "Make the member an instructor or manager first; administrators need no rights."


class LessonContentRefused(InvalidInput):
    """A body or an embed address breaks a rule of the content; `reason` is the rule's code."""

    code = "lesson_content_refused"
    title = "The lesson's content was not accepted."
    advice = (
        "Mend what `reason` names. An embed comes from a host in `allowed`; only the platform's operators "
        "can add one to the organization's `embed_allowed_hosts`."
    )


class TextEmpty(InvalidInput):
    """Nothing readable is left of a title once markup and invisible characters are gone."""

    code = "text_empty"
    title = "The text holds nothing readable."


class TextTooLong(InvalidInput):
    """The plain form of a text is longer than its field."""

    code = "text_too_long"
    title = "The text is too long."


class EmbedHostsMisconfigured(Conflict):
    """The list of hosts allowed for embeds holds something that is no host."""

    code = "embed_allowed_host_invalid"
    title = "The organization's list of allowed embed hosts is not valid."
    advice = "Ask the platform's operators to mend it; only they can change `embed_allowed_hosts`."


class RuleRefused(InvalidInput):
    """A rule of a unit or version that cannot be; `field` names the place, `reason` the fault."""

    code = "rule_refused"
    title = "The rule was not accepted."
    advice = "Mend what `field` and `reason` name; units are named by the lineage of a module or lesson."


class SwitchedOff(DomainError):
    """The course's authors switched this part of it off; `switch` names it."""

    code = "switched_off"
    kind = Kind.FORBIDDEN
    title = "This is switched off in this course."
    advice = "Whoever may edit the course can switch it on (PATCH /courses/{id}, `switches`)."


class PriceMismatch(InvalidInput):
    """Facts of the price contradict each other; `reason` says how."""

    code = "price_mismatch"
    title = "The facts of the price do not fit together."
    advice = (
        "`price_missing`: a paid course needs a price above 0. `not_paid`: only a paid course has prices, a "
        "currency and a discount. `not_above_price`: the compare price must be above the price."
    )


class AccessDaysMismatch(InvalidInput):
    """Days without limited access, or limited access without days."""

    code = "access_days_mismatch"
    title = "Access type and days do not fit together."
    advice = "Limited access needs `access_days`; every other access type has none."


class VersionsOfTwoCourses(InvalidInput):
    """Only versions of one course can be compared."""

    code = "versions_of_two_courses"
    title = "The two versions belong to different courses."
    advice = "Compare versions of one course; GET /courses/{id}/versions lists them."


class CategorySlugTaken(Conflict):
    """Another category has the slug."""

    code = "category_slug_taken"
    title = "Another category uses this slug."
    advice = "Choose another slug."


class CategoryLoop(Conflict):
    """A category would lie in a branch of its own."""

    code = "category_loop"
    title = "A category cannot lie below itself."
    advice = "Choose a parent outside the category's own branch."


class CategoryInUse(Conflict):
    """Categories or courses are still in it; `children` and `courses` count them."""

    code = "category_in_use"
    title = "The category is not empty."
    advice = "Move its categories and courses elsewhere first."


class TooManyCategories(Conflict):
    """The tree is read whole, so its size has an end."""

    code = "too_many_categories"
    title = "There are as many categories as there can be."
    advice = "Delete or merge some of them first; `most` says how many there can be."


class UnknownCategory(InvalidInput):
    """No such category."""

    code = "unknown_category"
    title = "There is no such category."
    advice = "Read GET /categories for those there are."


class SubcategoryMismatch(InvalidInput):
    """The subcategory is no child of the category."""

    code = "subcategory_mismatch"
    title = "The subcategory does not belong to the category."
    advice = "Choose a child of the category, or set both together."


class UnknownPicture(InvalidInput):
    """No such picture in the organization."""

    code = "unknown_picture"
    title = "There is no such picture."
    advice = "Upload a PNG, JPEG, GIF or WebP with POST /files and send the id of the answer."


class SiblingsIncomplete(InvalidInput):
    """An order must name every category below the parent exactly once."""

    code = "siblings_incomplete"
    title = "The order does not name exactly the categories below the parent."
    advice = (
        "Read the tree again; name every id once. `missing` lists ids, `unknown_at` and `repeated_at` the "
        "places, from 0, of what is too much."
    )


class CourseNeverPublished(Conflict):
    """There is no published version to show again."""

    code = "course_never_published"
    title = "The course has no published version."
    advice = "Publish one of its drafts (POST /versions/{id}/publish)."


class InstructorBarred(DomainError):
    """An instructor who was rejected or suspended puts nothing before learners; `reason` is what was said."""

    code = "instructor_barred"
    kind = Kind.FORBIDDEN
    title = "You may not publish at present."
    advice = "You can go on writing. Ask an administrator of your organization about `state` and `reason`."


class InstructorMoveRefused(Conflict):
    """The states of instructors know no such move."""

    code = "instructor_move_refused"
    title = "The instructor's state does not allow this."
    advice = "`allowed` lists the states that can follow."


class ApprovalMissing(Conflict):
    """The organization reviews courses, and nobody approved the draft as it stands."""

    code = "approval_missing"
    title = "The draft has not been approved as it stands."
    advice = (
        "Submit it (POST /versions/{id}/reviews). An edit after the approval ends it: submit the draft again."
    )


class AlreadyApproved(Conflict):
    """The draft was approved as it stands."""

    code = "already_approved"
    title = "The draft is approved as it stands."
    advice = "Publish it (POST /versions/{id}/publish)."


class ReviewDecided(Conflict):
    """Somebody else was faster, or the submission was withdrawn."""

    code = "review_decided"
    title = "This submission is not waiting any more."
    advice = "Read it again: `state` says what became of it."


class ReviewOutdated(Conflict):
    """The draft was edited after it was submitted: nobody approves what they have not seen."""

    code = "review_outdated"
    title = "The draft was edited after it was submitted."
    advice = "Reject it, or let its author submit it again; `revision` is what it is now."


class SelfApproval(DomainError):
    """Who submitted or edited a draft, or is an instructor of the course, does not decide about it."""

    code = "self_approval"
    kind = Kind.FORBIDDEN
    title = "Somebody who has not worked on this draft must decide about it."
    advice = (
        "`because` says how you are part of it; `others` is how many people may decide. With 0, make another "
        "member an administrator or give one `publish_course` on the course (PUT /courses/{id}/rights); or "
        "switch reviews off (PATCH /organization, `settings.course_review`)."
    )


class NoReviewer(Conflict):
    """Everybody who could decide has worked on the draft."""

    code = "no_reviewer"
    title = "There is nobody who could decide about this draft."
    advice = (
        "Reviewers are administrators, and members with `publish_course` on the course, who have neither "
        "edited the draft nor a part in the course. Make another member an administrator, or give one the "
        "right (PUT /courses/{id}/rights); or switch reviews off (PATCH /organization, "
        "`settings.course_review`)."
    )


class SharesUneven(InvalidInput):
    """The shares of a course's instructors are not 100 percent together."""

    code = "shares_uneven"
    title = "The shares of the instructors must sum to 100 percent."


class PrimaryMissing(InvalidInput):
    """A course with instructors has exactly one primary one."""

    code = "one_primary_needed"
    title = "Exactly one instructor must be the primary one."


class InstructorRepeated(InvalidInput):
    """One member has one part in a course."""

    code = "instructor_repeated"
    title = "A member is named twice."


class AssistantCannotPublish(Conflict):
    """The part of an assistant holds no right to publish."""

    code = "assistant_cannot_publish"
    title = "An assistant of the course cannot publish it."
    advice = "Give the member another part first (PUT /courses/{id}/instructors)."


class LinkRefused(InvalidInput):
    """Only https addresses stand on a card."""

    code = "link_refused"
    title = "A link must be an https address."


class TranslationNeedless(InvalidInput):
    """A translation into the language that the course itself is in."""

    code = "translation_needless"
    title = "The course is in this language itself."
    advice = "Change title and summary themselves, or take the translation away (null)."


class TopicOfTopic(Conflict):
    """Topics are the last level."""

    code = "topic_of_topic"
    title = "A topic cannot hold topics."


class TopicStaysWithLesson(Conflict):
    """A topic is in the module of its lesson."""

    code = "topic_stays_with_lesson"
    title = "A topic cannot be moved to another module on its own."
    advice = "Move its lesson, or move the topic below another lesson with a bulk move."


class BulkRefused(InvalidInput):
    """Some acts of a bulk call cannot be; none was done. `rows` names each with its index and code."""

    code = "bulk_refused"
    title = "Nothing was changed: some of the acts cannot be done."
    advice = "Mend the acts that `rows` names and send all of them again."


class ResourceNeedsOne(InvalidInput):
    """A resource is a file or an address, never both and never neither."""

    code = "resource_needs_one"
    title = "A resource is either a stored file or an https address."
    advice = "Send `file_id` or `url`, not both."


class TooManyResources(Conflict):
    """A lesson has as many resources as it can."""

    code = "too_many_resources"
    title = "The lesson has too many resources."


class UnknownCourse(InvalidInput):
    """No such course."""

    code = "unknown_course"
    title = "There is no such course."
    advice = "`unknown_at` lists the places, from 0, of those that are not there, or not to be seen by you."


class LinkToItself(InvalidInput):
    """A course that needs, or is related to, itself."""

    code = "course_links_to_itself"
    title = "A course cannot be linked to itself."


class CourseRepeated(InvalidInput):
    """The same course twice in one list."""

    code = "course_repeated"
    title = "The list names a course twice."


class PrerequisiteLoop(Conflict):
    """Nobody could ever begin: `course_id` is the course that needs this one, itself or by others."""

    code = "prerequisite_loop"
    title = "The course is needed by what it would need."
    advice = "Take the course in `course_id` off the list, or this course off its prerequisites."


class ExportTooLarge(Conflict):
    """A version's texts and files are more than one answer may hold."""

    code = "export_too_large"
    title = "The version is too large to be downloaded in one piece."
    advice = "Ask the platform's operators for an export (`manage.py export_course`)."


class FileBytesMissing(Conflict):
    """A file of the version has its row but no bytes any more; `file_id` and `name` say which."""

    code = "file_bytes_missing"
    title = "The bytes of a file of this version are gone."
    advice = "Upload the file again and put it in the place of the one in `file_id`, or restore the storage."


class CourseZipRefused(InvalidInput):
    """An uploaded zip is not taken; `reason` is the rule's code, `entry` the entry it shows in."""

    code = "course_zip_refused"
    title = "The zip was not accepted."
    advice = "Pack the folder of course.yaml, plain files only, as GET /versions/{id}/export does."


class CourseFolderRefused(InvalidInput):
    """A course folder has mistakes; `problems` tells file, line and column of each."""

    code = "course_folder_invalid"
    title = "The course folder has mistakes."
    advice = "Mend what `problems` lists, then import it again."
