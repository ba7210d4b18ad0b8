-- Which signs of too much capacity are there?
SELECT signal, round(value, 2) AS value, comparison AS is, threshold, unit, triggered, grade
FROM glut_signals
ORDER BY signal
