//! How fast a tool is asked, in paused time.

use super::*;

async fn at(
    wire: &Transport,
    connection: &Connection,
    place: &Place,
) -> Result<(u16, u64), NotAnswered> {
    let began = Instant::now();
    let answer = wire.send(connection, &get(place.url("/")), began + 60 * SECOND).await?;
    Ok((answer.status, began.elapsed().as_secs()))
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_rate_leaves_in_any_such_span() {
    let (place, wire) = (Place::open(|_| answer(200, "", "")).await, plain());
    let rate = Some(Rate { requests: 3, per: 10 * SECOND });
    let connection = Connection::new(Terms { rate, ..terms() });
    let calls = (0..9).map(|_| at(&wire, &connection, &place));
    let waited: Vec<_> = futures_util::future::join_all(calls)
        .await
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("all");
    let waited: Vec<_> = waited.into_iter().map(|(_, seconds)| seconds).collect();
    assert_eq!(waited, [0, 0, 0, 10, 10, 10, 20, 20, 20]);
    // Three have left at 20 s, and 60 s hold places for eighteen more: who would wait longer is told so, and takes none.
    let calls = (0..30).map(|_| at(&wire, &connection, &place));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 15);
    assert!(answers[29] == Err(NotAnswered::Limited { after: 60 * SECOND }), "{:?}", answers[29]);
    assert_eq!(place.connections(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_wants_to_hear_nothing_hears_nothing() {
    let first = Arc::new(AtomicUsize::new(0));
    let place = Place::open(move |_| match first.fetch_add(1, Ordering::SeqCst) {
        0 => answer(429, "retry-after: 30\r\n", ""),
        1 => answer(503, "retry-after: 3600\r\n", ""),
        _ => answer(200, "", ""),
    });
    let (place, wire) = (place.await, plain());
    let (connection, other) = (Connection::new(terms()), Connection::new(terms()));
    let answer = wire.send(&connection, &get(place.url("/")), soon()).await.expect("an answer");
    assert_eq!((answer.status, answer.retry_after), (429, Some(30 * SECOND)));
    let fault = wire.send(&connection, &get(place.url("/")), soon()).await;
    assert_eq!(
        fault,
        Err(NotAnswered::Limited { after: 30 * SECOND }),
        "who cannot wait is told how long"
    );
    assert_eq!(place.connections(), 1);
    assert_eq!(at(&wire, &connection, &place).await, Ok((503, 30)), "who can wait waits");
    assert_eq!(
        at(&wire, &connection, &place).await,
        Err(NotAnswered::Limited { after: 3600 * SECOND })
    );
    assert_eq!(at(&wire, &other, &place).await, Ok((200, 0)), "another tool is not meant");
    let anonymous = at(&wire, &connection.anonymous(), &place).await;
    assert_eq!(
        anonymous,
        Err(NotAnswered::Limited { after: 3600 * SECOND }),
        "it is the same tool"
    );
    tokio::time::sleep(3600 * SECOND).await;
    assert_eq!(at(&wire, &connection, &place).await, Ok((200, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_tool_says_until_when_in_seconds_or_by_a_date() {
    // The test's clock begins at 1,800,000,000 s: Fri, 15 Jan 2027 08:00:00 GMT.
    for (header, expected) in [
        ("retry-after: 7\r\n", Some(7)),
        ("retry-after: Fri, 15 Jan 2027 08:00:42 GMT\r\n", Some(42)),
        ("retry-after: Fri, 15 Jan 2027 07:00:00 GMT\r\n", Some(0)),
        ("retry-after: soon\r\n", None),
        ("retry-after: 99999999999999999999\r\n", None),
        ("", None),
    ] {
        let place = Place::open(move |_| answer(429, header, "")).await;
        let answer = plain().send(&Connection::new(terms()), &get(place.url("/")), soon()).await;
        let after = answer.expect("an answer").retry_after.map(|after| after.as_secs());
        assert_eq!(after, expected, "{header}");
    }
    let place = Place::open(|_| answer(429, "retry-after: 18446744073709551615\r\n", "")).await;
    let (wire, connection) = (plain(), Connection::new(terms()));
    assert_eq!(at(&wire, &connection, &place).await.expect("an answer").0, 429);
    let day = NotAnswered::Limited { after: 24 * 3600 * SECOND };
    assert_eq!(at(&wire, &connection, &place).await, Err(day), "nobody waits longer than a day");
}
