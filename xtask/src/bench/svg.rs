//! A small chart: lines over a logarithmic scale both ways, as SVG.

use std::fmt::Write;

/// A chart.
pub struct Chart {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 15.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 45.0;

impl Chart {
    /// Draws it; nothing if it has no points.
    pub fn svg(&self) -> String {
        let (xs, ys) = (
            Scale::over(self.points.iter().map(|(x, _)| *x), LEFT, WIDTH - RIGHT),
            // Downwards is more.
            Scale::over(self.points.iter().map(|(_, y)| *y), HEIGHT - BOTTOM, TOP),
        );
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"13\">{}</text>\n",
            escaped(&self.title)
        );
        for (x, label) in xs.marks() {
            let (top, bottom) = (TOP, HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                bottom + 15.0
            );
        }
        for (y, label) in ys.marks() {
            let right = WIDTH - RIGHT;
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 5.0,
                y + 4.0
            );
        }
        let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 8.0,
            escaped(self.x)
        );
        let _ = writeln!(
            svg,
            "<text transform=\"translate(13 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            TOP + (HEIGHT - TOP - BOTTOM) / 2.0,
            escaped(self.y)
        );
        let at: Vec<_> = self
            .points
            .iter()
            .map(|(x, y)| (xs.at(*x), ys.at(*y)))
            .collect();
        let line: Vec<_> = at.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (x, y) in at {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#06c\"/>"
            );
        }
        svg + "</svg>\n"
    }
}

/// From whole powers of ten to whole powers of ten.
struct Scale {
    /// Powers.
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let logarithms = values.map(|value| value.max(1e-3).log10());
        let low = logarithms
            .clone()
            .fold(f64::MAX, f64::min)
            .floor()
            .max(-3.0);
        let high = logarithms.fold(f64::MIN, f64::max).ceil().min(12.0);
        let low = low as i32;
        Self {
            low,
            high: (high as i32).max(low + 1),
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part =
            (value.max(1e-3).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    fn marks(&self) -> Vec<(f64, String)> {
        let mark = |power: i32| {
            let value = 10f64.powi(power);
            let label = match power {
                power if power >= 6 => format!("{:.0}M", value / 1e6),
                power if power >= 3 => format!("{:.0}k", value / 1e3),
                power if power >= 0 => format!("{value:.0}"),
                _ => format!("{value}"),
            };
            (self.at(value), label)
        };
        (self.low..=self.high).map(mark).collect()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[test]
fn a_chart_has_its_points_between_powers_of_ten() {
    let chart = Chart {
        title: "a < b".to_owned(),
        x: "rows",
        y: "ns",
        points: vec![(1.0, 20.0), (1000.0, 200.0)],
    };
    let svg = chart.svg();
    assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
    // One decade and three: from 10 to 1000, and from 1 to 1000.
    assert_eq!(svg.matches("#ddd").count(), 3 + 4);
    assert!(svg.contains("<circle cx=\"60.0\""), "{svg}");
    assert!(svg.contains("<circle cx=\"465.0\""), "{svg}");
}
