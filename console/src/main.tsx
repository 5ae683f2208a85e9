import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "../style/base.css";

const place = document.getElementById("console");
if (place !== null) render(<main>…</main>, place);
