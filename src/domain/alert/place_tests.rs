//! Tables of words; whole stories are told in `tests/it/places.rs`.

use super::*;

#[test]
fn a_word_says_whether_the_place_or_the_message_is_refused() {
    let of_the_place = [
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "channel_not_found",
        "restricted_action",
        "restricted_action_read_only_channel",
        "cannot_post_in_channel",
    ];
    let of_the_message = [
        "invalid_blocks",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "message_not_found",
        "user_not_found",
        "messages_tab_disabled",
        "restricted_action_thread_locked",
        "unknown",
    ];
    for word in of_the_place {
        assert!(lies_in_the_place(word), "{word}");
    }
    for word in of_the_message {
        assert!(!lies_in_the_place(word), "{word}");
    }
}
