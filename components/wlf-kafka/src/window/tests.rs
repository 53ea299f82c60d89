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
        self.window.add(chunk);
    }

    /// All that may go, each with its number.
    fn next(&mut self) -> Vec<(Chunk, i32)> {
        std::iter::from_fn(|| self.window.next(true, self.now, &mut self.lanes)).collect()
    }

    fn answer(&mut self, sent: Vec<(Chunk, i32)>, answers: &[Answer]) {
        assert_eq!(sent.len(), answers.len());
        for ((chunk, sequence), answer) in sent.into_iter().zip(answers) {
            let done = (self.window).answered(chunk, sequence, *answer, self.now);
            assert!(done.is_none() || *answer == Answer::Acknowledged);
        }
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
    let too_large = Answer::Refused(Code::MessageTooLarge);
    course.answer(sent, &[Answer::Acknowledged, too_large, OUT_OF_ORDER]);
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

#[test]
fn a_row_that_is_too_large_alone_fails_and_the_rows_before_it_are_there() {
    let mut course = Course::known();
    course.add(2);
    course.add(1);
    course.add(3);
    let sent = course.next();
    let too_large = Answer::Refused(Code::MessageTooLarge);
    course.answer(sent, &[Answer::Acknowledged, too_large, OUT_OF_ORDER]);
    assert!(course.next().is_empty());
    let (row, failure) = course.window.take_failure().expect("a failure");
    assert_eq!(row, 12);
    assert!(matches!(
        failure,
        Failure::Refused {
            code: Code::MessageTooLarge,
            ..
        }
    ));
    assert_eq!(course.window.left().collect::<Vec<_>>(), [12, 13, 14, 15]);
    // The next write goes on with the number of the row that failed.
    course.window.begin(&mut course.lanes);
    course.add(1);
    assert_eq!(shape(&course.next()), [(12, vec![16])]);
}

#[test]
fn a_bad_row_is_singled_out() {
    let mut course = Course::known();
    course.add(3);
    let invalid = Answer::Refused(Code::InvalidRecord);
    let sent = course.next();
    course.answer(sent, &[invalid]);
    let sent = course.next();
    assert_eq!(
        shape(&sent),
        [(10, vec![10]), (11, vec![11]), (12, vec![12])]
    );
    course.answer(sent, &[Answer::Acknowledged, invalid, OUT_OF_ORDER]);
    let (row, _) = course.window.take_failure().expect("a failure");
    assert_eq!(row, 11);
    assert_eq!(course.window.done().last(), Some(&10));
    assert_eq!(course.window.taken(), None);
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
