use super::*;

/// Chunks of rows of 100 bytes, each with as many records as is said.
struct Course {
    lanes: Lanes,
    window: Window,
    now: Instant,
    row: u32,
}

impl Course {
    fn new() -> Self {
        let mut lanes = Lanes::new(0);
        lanes.add(1);
        let mut window = Window::default();
        window.begin(&mut lanes);
        Self {
            lanes,
            window,
            now: Instant::now(),
            row: 0,
        }
    }

    /// One whose leader has acknowledged 10 records.
    fn known() -> Self {
        let mut course = Self::new();
        course.add(10);
        let sent = course.next();
        assert_eq!(sent.len(), 1);
        course.answer(sent, &[Answer::Acknowledged]);
        course
    }

    fn add(&mut self, rows: u32) {
        for _ in 0..rows {
            let value = Some(&[b'x'; 100][..]);
            self.lanes.push(
                0,
                usize::MAX,
                self.row,
                None,
                value,
                wlf_core::Headers::default(),
            );
            self.row += 1;
        }
        self.lanes.fill();
        let (_, chunk) = self.lanes.take_full().expect("a chunk");
        assert!(self.window.add(chunk).is_none());
    }

    /// All that may go, each with its number.
    fn next(&mut self) -> Vec<(Chunk, i32)> {
        std::iter::from_fn(|| self.window.next(true, self.now, &mut self.lanes)).collect()
    }

    fn answer(&mut self, sent: Vec<(Chunk, i32)>, answers: &[Answer]) {
        assert_eq!(sent.len(), answers.len());
        for ((chunk, sequence), answer) in sent.into_iter().zip(answers) {
            let lanes = &mut self.lanes;
            let done = (self.window).answered(chunk, sequence, *answer, self.now, lanes);
            if let Some(chunk) = done {
                lanes.recycle(chunk);
            }
        }
    }

    /// The rows that are refused, and with which codes.
    fn refused(&self) -> Vec<(u32, Option<Code>)> {
        let refused = self.window.refused().iter();
        refused.map(|refused| (refused.row, refused.code)).collect()
    }
}

fn shape(sent: &[(Chunk, i32)]) -> Vec<(i32, Vec<u32>)> {
    let rows = |chunk: &Chunk| chunk.rows().to_vec();
    sent.iter().map(|(chunk, n)| (*n, rows(chunk))).collect()
}

const OUT_OF_ORDER: Answer = Answer::Refused(Code::OutOfOrderSequenceNumber);

#[test]
fn one_request_goes_alone_until_the_leader_knows_the_producer() {
    let mut course = Course::new();
    (0..7).for_each(|_| course.add(10));
    let first = course.next();
    assert_eq!(shape(&first), [(0, (0..10).collect())]);
    course.answer(first, &[Answer::Acknowledged]);
    let more = course.next();
    let numbers: Vec<_> = more.iter().map(|(_, sequence)| *sequence).collect();
    assert_eq!(numbers, [10, 20, 30, 40, 50]);
    course.answer(more, &[Answer::Acknowledged; 5]);
    assert_eq!(course.next().len(), 1);
    assert!(!course.window.has_failed());
}

#[test]
fn without_a_producer_one_request_goes_after_the_other() {
    let mut course = Course::known();
    (0..3).for_each(|_| course.add(10));
    let next = |course: &mut Course| course.window.next(false, course.now, &mut course.lanes);
    assert!(next(&mut course).is_some());
    assert!(next(&mut course).is_none());
}

#[test]
fn what_is_too_large_goes_again_in_parts_before_all_that_was_behind_it() {
    let mut course = Course::known();
    (0..3).for_each(|_| course.add(4));
    let sent = course.next();
    assert_eq!(sent.len(), 3);
    course.answer(sent, &[Answer::Acknowledged, TOO_LARGE, OUT_OF_ORDER]);
    let sent = course.next();
    let expected = [
        (14, vec![14, 15]),
        (16, vec![16, 17]),
        (18, vec![18, 19]),
        (20, vec![20, 21]),
    ];
    assert_eq!(shape(&sent), expected);
    course.answer(sent, &[Answer::Acknowledged; 4]);
    assert!(course.window.take_failure().is_none());
    assert_eq!(course.window.done(), (0..22).collect::<Vec<_>>());
    assert!(course.window.taken().is_some_and(|taken| taken < 300));
}

const TOO_LARGE: Answer = Answer::Refused(Code::MessageTooLarge);

#[test]
fn a_row_that_is_too_large_alone_is_passed_over() {
    let mut course = Course::known();
    course.add(2);
    course.add(1);
    course.add(3);
    let sent = course.next();
    course.answer(sent, &[Answer::Acknowledged, TOO_LARGE, OUT_OF_ORDER]);
    // What is behind it goes on with its number.
    let sent = course.next();
    assert_eq!(shape(&sent), [(12, vec![13, 14, 15])]);
    course.answer(sent, &[Answer::Acknowledged]);
    assert!(course.window.take_failure().is_none());
    assert_eq!(course.refused(), [(12, Some(Code::MessageTooLarge))]);
    let done: Vec<u32> = (0..16).filter(|row| *row != 12).collect();
    assert_eq!(course.window.done(), done);
    assert_eq!(course.window.taken(), None);
    // Another write knows nothing of it.
    course.window.begin(&mut course.lanes);
    course.add(1);
    assert_eq!(shape(&course.next()), [(15, vec![16])]);
    assert_eq!(course.refused(), []);
}

/// The broker looks at sizes before it looks at numbers.
#[test]
fn rows_that_are_too_large_are_told_at_once_also_behind_others() {
    let mut course = Course::known();
    (0..5).for_each(|_| course.add(1));
    let sent = course.next();
    let answers = [TOO_LARGE, OUT_OF_ORDER, TOO_LARGE, TOO_LARGE, OUT_OF_ORDER];
    course.answer(sent, &answers);
    let sent = course.next();
    assert_eq!(shape(&sent), [(10, vec![11]), (11, vec![14])]);
    course.answer(sent, &[Answer::Acknowledged; 2]);
    let code = Some(Code::MessageTooLarge);
    assert_eq!(course.refused(), [(10, code), (12, code), (13, code)]);
    assert!(course.next().is_empty() && !course.window.has_failed());
}

#[test]
fn the_first_row_of_all_may_be_refused() {
    let mut course = Course::new();
    course.add(1);
    course.add(1);
    let sent = course.next();
    assert_eq!(shape(&sent), [(0, vec![0])]);
    course.answer(sent, &[TOO_LARGE]);
    assert_eq!(shape(&course.next()), [(0, vec![1])]);
}

#[test]
fn a_bad_row_is_singled_out() {
    let mut course = Course::known();
    course.add(8);
    course.add(3);
    let invalid = Answer::Refused(Code::InvalidRecord);
    let sent = course.next();
    course.answer(sent, &[invalid, OUT_OF_ORDER]);
    let mut requests = 0;
    // Row 15 is bad.
    loop {
        let sent = course.next();
        if sent.is_empty() {
            break;
        }
        let mut first = true;
        let answers = sent.iter().map(|(chunk, _)| {
            let is_bad = chunk.rows().contains(&15);
            let answer = match (is_bad, first) {
                (true, _) => invalid,
                (false, true) => Answer::Acknowledged,
                (false, false) => OUT_OF_ORDER,
            };
            first &= !is_bad;
            answer
        });
        let answers: Vec<_> = answers.collect();
        requests += answers.len();
        course.answer(sent, &answers);
    }
    assert_eq!(course.refused(), [(15, Some(Code::InvalidRecord))]);
    let expected: Vec<u32> = (0..21).filter(|row| *row != 15).collect();
    assert_eq!(course.window.done(), expected);
    assert!(requests <= 14, "{requests} requests");
    // It says nothing about sizes.
    assert_eq!(course.window.taken(), None);
}

#[test]
fn what_is_said_of_a_topic_is_said_of_all_rows() {
    let mut course = Course::known();
    course.add(2);
    let sent = course.next();
    let code = Code::InvalidTopicException;
    course.answer(sent, &[Answer::Refused(code)]);
    assert_eq!(course.refused(), [(10, Some(code)), (11, Some(code))]);
    assert!(course.next().is_empty() && !course.window.has_failed());
}

#[test]
fn nothing_more_goes_of_a_row_that_was_refused() {
    let mut course = Course::known();
    course.add(1);
    // Its tombstone is the first record of the next chunk.
    course.row -= 1;
    course.add(3);
    let sent = course.next();
    assert_eq!(shape(&sent), [(10, vec![10]), (11, vec![10, 11, 12])]);
    course.answer(sent, &[TOO_LARGE, OUT_OF_ORDER]);
    assert_eq!(shape(&course.next()), [(10, vec![11, 12])]);
}

#[test]
fn what_no_request_can_hold_is_not_sent() {
    let mut course = Course::known();
    let value = vec![b'x'; REQUEST];
    let none = wlf_core::Headers::default();
    course
        .lanes
        .push(0, usize::MAX, 10, None, Some(&value), none);
    course.lanes.fill();
    let (_, chunk) = course.lanes.take_full().expect("a chunk");
    assert!(course.window.add(chunk).is_some());
    course.row += 1;
    course.add(1);
    assert_eq!(shape(&course.next()), [(10, vec![11])]);
    assert_eq!(course.refused(), [(10, None)]);
}

#[test]
fn an_answer_behind_a_refusal_counts_for_nothing() {
    let mut course = Course::known();
    course.add(1);
    course.add(1);
    let sent = course.next();
    let refused = Answer::Refused(Code::NotEnoughReplicas);
    course.answer(sent, &[refused, Answer::Acknowledged]);
    let (row, _) = course.window.take_failure().expect("a failure");
    assert_eq!(row, 10);
    assert_eq!(course.window.left().collect::<Vec<_>>(), [10, 11]);
}

#[test]
fn what_was_under_way_on_a_broken_connection_is_left() {
    let mut course = Course::known();
    (0..3).for_each(|_| course.add(1));
    let sent = course.next();
    course.answer(sent, &[Answer::Acknowledged, Answer::Lost, Answer::Lost]);
    let (row, failure) = course.window.take_failure().expect("a failure");
    assert_eq!(row, 11);
    assert!(matches!(failure, Failure::Lost));
}

#[test]
fn sequence_numbers_go_around() {
    assert_eq!(after(0, 10), 10);
    assert_eq!(after(i32::MAX, 1), 0);
    assert_eq!(after(i32::MAX - 1, 4), 2);
}
